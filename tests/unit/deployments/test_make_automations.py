"""What the files of the automations say; what Prefect makes of them is in the integration."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml
from prefect.events.schemas.automations import AutomationCore, EventTrigger
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY

from deployments.make_automations import FOLDER
from flows.runtime.notify import What
from tests.support.project import HOME

ENABLED = {"crash-silent-runs.yaml", "crash-lost-runs.yaml"}
FILES = sorted(file.name for file in FOLDER.glob("*.yaml"))
ID = "00000000-0000-0000-0000-000000000000"


def trigger(name: str) -> tuple[AutomationCore, EventTrigger]:
    said: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    for action in said["actions"]:
        action.update({key: ID for key in action if key.endswith("_id")})
    automation = AutomationCore.model_validate(said)
    assert isinstance(automation.trigger, EventTrigger)
    return automation, automation.trigger


@pytest.mark.parametrize("name", FILES)
def test_only_what_judges_dead_runs_is_on_before_people_want_it(name: str) -> None:
    assert trigger(name)[0].enabled == (name in ENABLED)


@pytest.mark.parametrize("name", sorted({*FILES} - ENABLED))
def test_it_waits_for_an_event_that_releases_emit(name: str) -> None:
    emitted = {f"shipway.release.{what}" for what in get_args(What)}
    assert trigger(name)[1].expect <= emitted


def test_a_run_may_miss_a_heartbeat() -> None:
    frequency: int = PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value()
    within = trigger("crash-silent-runs.yaml")[1].within
    assert within.total_seconds() > 2 * frequency


@pytest.mark.parametrize("name", FILES)
def test_the_docs_have_it(name: str) -> None:
    switch = "on" if name in ENABLED else "off"
    page = (HOME / "docs" / "events.md").read_text()
    assert f"| {trigger(name)[0].name} | {switch} |" in page
