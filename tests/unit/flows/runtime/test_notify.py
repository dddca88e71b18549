"""What is told of a rollout, and under which name; how Prefect is told is in the integration."""

from __future__ import annotations

import logging
import re
from typing import Any, get_args

import pytest

from flows.runtime import notify
from flows.runtime.notify import What, record
from shipway.release import Cause, Release
from shipway.rollout.observe import NewsKind
from tests.support.memory_ops import revision
from tests.support.project import HOME
from tests.support.rolling_environment import image
from tests.support.watched import target


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The events, as they are emitted."""
    events: list[dict[str, Any]] = []

    def emit(event: str, resource: dict[str, str], **more: Any) -> None:
        events.append({"event": event, "resource": resource, **more})

    monkeypatch.setattr(notify, "emit_event", emit)
    monkeypatch.setattr(notify, "opened_run_log", logging.getLogger)
    monkeypatch.setattr(notify, "root_run", lambda: "0")
    monkeypatch.setattr(notify, "this_run", lambda: "https://prefect.example.org/0")
    return events


def release(cause: Cause) -> Release:
    return Release(revision=revision(1), image=image(1), cause=cause)


def test_an_event_has_the_names_that_the_docs_promise(emitted: list[dict[str, Any]]) -> None:
    record(target(), release(Cause(promoted_from="staging")), "done", "2 of 2 run it", share=100)
    assert emitted == [
        {
            "event": "shipway.release.done",
            "resource": {
                "prefect.resource.id": "shipway.environment.prod.shop",
                "prefect.resource.name": "prod/shop",
                "shipway.app": "shop",
                "shipway.environment": "prod",
            },
            "related": [
                {
                    "prefect.resource.id": "prefect.flow-run.0",
                    "prefect.resource.role": "opened-run",
                }
            ],
            "payload": {
                "words": "2 of 2 run it",
                "revision": "1" * 40,
                "image": str(image(1)),
                "run": "https://prefect.example.org/0",
                "promoted_from": "staging",
                "share": 100,
            },
        }
    ]


@pytest.mark.parametrize("what", ["start", "step", "waits", "red", "halt", "failure", "done"])
def test_what_becomes_of_a_way_back_is_no_event_of_a_release(
    emitted: list[dict[str, Any]], what: What
) -> None:
    record(target(), release(Cause(rollback_from="2" * 40)), what, "back")
    (event,) = emitted
    assert event["event"] == f"shipway.rollback.{what}"
    assert event["payload"]["rollback_from"] == "2" * 40


@pytest.mark.parametrize(
    ("cause", "what", "level"),
    [
        (Cause(), "start", "INFO"),
        (Cause(), "waits", "WARNING"),
        (Cause(), "approval", "WARNING"),
        (Cause(), "red", "WARNING"),
        (Cause(rollback_from="2" * 40), "start", "WARNING"),
        (Cause(rollback_from="2" * 40), "done", "INFO"),
        # Prefect logs the error that the run ends with.
        (Cause(), "failure", None),
        (Cause(), "halt", None),
    ],
)
def test_what_people_have_to_know_is_a_warning_in_the_log(
    emitted: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    cause: Cause,
    what: What,
    level: str | None,
) -> None:
    caplog.set_level(logging.INFO)
    record(target(), release(cause), what, "words")
    logged = [(line.levelname, line.message) for line in caplog.records]
    assert logged == ([(level, "words")] if level else [])


def test_the_docs_have_every_event() -> None:
    page = (HOME / "docs" / "events.md").read_text()
    rows = set(re.findall(r"^\| `shipway\.release\.(\w+)`", page, re.MULTILINE))
    assert rows == {*get_args(What)}
    rows = set(re.findall(r"^\| `shipway\.environment\.(\w+)`", page, re.MULTILINE))
    assert rows == {*get_args(NewsKind)}
