"""What a forge shows of a run: the forge is a list, and the blocks are those of the test."""

from __future__ import annotations

import asyncio
import logging
import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from pydantic import SecretStr

from blocks.forge import Forge
from blocks.source_repository import SourceRepository
from flows.runtime import beside, commit_status, run_reporter
from flows.runtime.commit_status import ATTEMPTS, RunStatus
from flows.runtime.run_reporter import RunReporter
from shipway.errors import FailError, RefuseError, RetryError, ShipwayError
from shipway.forges.api import WORDS, CommitStatus, Project
from shipway.forges.registry import FORGES
from shipway.git.revision import Revision
from shipway.rollout.releases import UNKNOWN
from tests.support.app_environments import SHOP

RUN = "https://prefect.example.org/runs/1"
COMMIT = "a" * 40


class Shown:
    """A forge.

    Attributes:
        statuses: What it was told.
        failures: What it answers first.
        may_answer: It answers nobody before.
    """

    def __init__(self) -> None:
        self.statuses: list[CommitStatus] = []
        self.failures: list[ShipwayError] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def set_status(self, project: Project, status: CommitStatus) -> None:
        assert project.path == "acme/shop"
        self.may_answer.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.statuses.append(status)

    @property
    def states(self) -> list[str]:
        return [status.state for status in self.statuses]


@pytest.fixture
def source() -> SourceRepository:
    forge = Forge.model_construct(
        kind="local", api_url="https://x", project="acme/shop", token=SecretStr("secret")
    )
    return SourceRepository(url="file:///shop").model_copy(update={"forge": forge})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, source: SourceRepository) -> Shown:
    shown = Shown()

    async def load_block(_kind: object, name: str) -> SourceRepository:
        assert name == "shop"
        return source

    async def nothing(*_: object, **__: object) -> None:
        pass

    monkeypatch.setitem(FORGES, "local", SimpleNamespace(set_status=shown.set_status))
    monkeypatch.setattr(commit_status, "load_block", load_block)
    monkeypatch.setattr(commit_status, "this_run", lambda: RUN)
    monkeypatch.setattr(commit_status, "PAUSE_SECONDS", 0)
    for name in ("acreate_markdown_artifact", "acreate_table_artifact"):
        monkeypatch.setattr(run_reporter, name, nothing)
    monkeypatch.setattr(run_reporter, "aupdate_progress_artifact", nothing)
    monkeypatch.setattr(beside, "get_run_logger", lambda: logging.getLogger("run"))
    return shown


async def everything_beside() -> None:
    """As `finish_beside` waits when a run has ended."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def released() -> RunReporter:
    """A run that has begun to release a revision."""
    reporter = RunReporter(SHOP, UUID(int=1))
    revision = Revision(commit=COMMIT, tree="t", author="Ada", subject="s", at=datetime.now(UTC))
    reporter.releases(revision)
    return reporter


async def test_a_status_names_the_environment_the_outcome_and_the_run(shown: Shown) -> None:
    await RunStatus(SHOP).show(COMMIT, "success", "line\none " + "x" * 200)
    assert shown.statuses == [
        CommitStatus(
            commit=COMMIT,
            context="shipway/prod",
            state="success",
            words="line one " + "x" * (WORDS - 10) + "…",
            url=RUN,
        )
    ]


async def test_in_a_monorepo_each_app_has_a_context_of_its_own(
    shown: Shown, source: SourceRepository
) -> None:
    source.folder = "apps/shop"
    await RunStatus(SHOP).show(COMMIT, "pending", "Under way")
    assert shown.statuses[0].context == "shipway/prod/shop"


async def test_a_run_without_an_address_is_shown_without(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit_status, "this_run", lambda: "0123-a-run")
    await RunStatus(SHOP).show(COMMIT, "pending", "Under way")
    assert shown.statuses[0].url is None


async def test_without_a_forge_or_a_commit_nobody_is_told(
    shown: Shown, source: SourceRepository
) -> None:
    await RunStatus(SHOP).show(UNKNOWN, "success", "back")
    source.forge = None
    await RunStatus(SHOP).show(COMMIT, "success", "done")
    assert not shown.statuses


async def test_a_forge_that_does_not_answer_is_asked_again_and_one_that_refuses_is_not(
    shown: Shown,
) -> None:
    shown.failures = [RetryError("away")] * (ATTEMPTS - 1)
    await RunStatus(SHOP).show(COMMIT, "success", "done", attempts=ATTEMPTS)
    assert shown.states == ["success"]
    shown.failures = [RefuseError("no")]
    with pytest.raises(RefuseError):
        await RunStatus(SHOP).show(COMMIT, "success", "done", attempts=ATTEMPTS)
    assert shown.states == ["success"]


async def test_the_end_is_shown_last_and_no_run_waits_for_it(shown: Shown) -> None:
    shown.may_answer.clear()
    reporter = released()
    await reporter.close(None)
    assert not shown.statuses
    shown.may_answer.set()
    await everything_beside()
    assert shown.states == ["pending", "success"]
    assert shown.statuses[-1].words == "nothing to do, it was there already"


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (FailError("The unit layer is red.", got="1 of 2"), "failure", "The unit layer is red."),
        (RefuseError("The image is on hold."), "failure", "The image is on hold."),
        (RetryError("Git does not answer."), "error", "Git does not answer."),
        (ValueError("odd\nindeed"), "error", "odd"),
    ],
)
async def test_a_run_that_failed_is_shown_with_its_sentence(
    shown: Shown, error: Exception, state: str, words: str
) -> None:
    await released().close(error)
    await everything_beside()
    assert (shown.statuses[-1].state, shown.statuses[-1].words) == (state, words)


async def test_a_cancelled_run_is_shown_before_it_ends(shown: Shown) -> None:
    await released().close(asyncio.CancelledError())
    assert shown.states == ["pending", "error"]
    assert shown.statuses[-1].words.startswith("This run was cancelled")


@pytest.mark.parametrize("error", [None, FailError("red"), asyncio.CancelledError()])
async def test_a_forge_that_does_not_answer_stops_no_run(
    shown: Shown, caplog: pytest.LogCaptureFixture, error: BaseException | None
) -> None:
    shown.failures = [RetryError("The forge cannot be reached.")] * 9
    await released().close(error)
    await everything_beside()
    assert not shown.statuses
    warning = "The forge does not show how this run goes: The forge cannot be reached."
    assert [record.getMessage() for record in caplog.records].count(warning) == 2


async def test_a_run_that_found_no_revision_shows_nothing(shown: Shown) -> None:
    await RunReporter(SHOP, UUID(int=1)).close(RefuseError("There is no revision 'x'."))
    await everything_beside()
    assert not shown.statuses
