"""A run that waits for a person holds no process: it is suspended, and goes on from Git."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect.context import FlowRunContext
from prefect.flow_runs import asuspend_flow_run
from pydantic import BaseModel, ConfigDict

from flows.runtime.beside import end_beside
from flows.runtime.question import (
    Answer,
    Approval,
    Asked,
    FreezeOverride,
    Question,
    asked_by,
)
from shipway.release import Release
from shipway.reports.junit import pack, unpack
from shipway.reports.release import Report
from shipway.rollout.frozen import Frozen
from shipway.rollout.result import StepCommit

# Runs that wait are looked after, and ended in words. Where nobody does, Prefect ends them.
GRACE_SECONDS = 600


class Waits(Exception):
    """Nothing is left to do before a person answers: the run is to be suspended.

    Attributes:
        question: What the person is asked.
        report: What the run has come to so far.
    """

    def __init__(self, question: Question) -> None:
        super().__init__(question.sentence)
        self.question = question
        self.report: Report | None = None


class Suspendable(BaseModel):
    """A run that can be suspended, as this process of it knows it.

    Attributes:
        run: Its id.
        asked: What it waited for before this process; None if it did not.
        override: Why a person has it go on in the freeze whose end it waited for, if one has.
    """

    model_config = ConfigDict(frozen=True)

    run: UUID
    asked: Asked | None
    override: str | None = None

    @property
    def release(self) -> Release | None:
        """What it releases, if it was suspended before, with what people have said since."""
        release = self.asked.question.release if self.asked else None
        if release is None or self.override is None:
            return release
        cause = release.cause.model_copy(update={"override_freeze": self.override})
        return release.model_copy(update={"cause": cause})

    async def answer_to(self, question: Question) -> Answer | None:
        """What a person has answered to just this question, about just this; None where nobody."""
        if self.asked is None or self.asked.question.key != question.key:
            return None
        return await self.asked.answer(self.run)

    def as_asked(self, question: Question) -> Question:
        """A question with the number that it had when it was asked before, if it was."""
        before = self.asked.question if self.asked else None
        if question.signed is None or before is None or before.signed is None:
            return question
        if before.key != question.key:
            return question
        signed = question.signed.model_copy(update={"number": before.signed.number})
        return question.model_copy(update={"signed": signed})

    def asks_again(self, question: Question) -> bool:
        """Whether the same step was asked about before, and Git or the image was another then."""
        if self.asked is None or self.asked.question.key == question.key:
            return False
        return self.asked.question.step == question.step


_this: ContextVar[Suspendable | None] = ContextVar("suspendable", default=None)


def suspendable() -> Suspendable | None:
    """This run, if it can be suspended: a run of a deployment, and within `suspended_by_waits`."""
    return _this.get()


def release_before() -> Release | None:
    """What this run releases, if it was suspended before: branches may have moved since."""
    this = _this.get()
    return this.release if this else None


def has_begun(release: Release) -> bool:
    """Whether this run was suspended in the middle of a release, and not before it began."""
    this = _this.get()
    asked = this.asked if this else None
    return asked is not None and not asked.question.frozen and asked.question.release == release


def has_waited_for(frozen: Frozen) -> bool:
    """Whether this run has waited for the end of just this freeze already."""
    this = _this.get()
    return this is not None and this.asked is not None and this.asked.question.frozen == frozen


def report_before() -> Report | None:
    """What this run had come to when it was suspended, if it was."""
    this = _this.get()
    if this is None or this.asked is None or this.asked.report is None:
        return None
    return Report.model_validate_json(unpack(this.asked.report))


def commits_before(release: Release) -> dict[str, StepCommit]:
    """The commits of a release that this run had made when it was suspended, by step."""
    this = _this.get()
    if this is None or this.asked is None or this.asked.question.release != release:
        return {}
    return dict(this.asked.question.commits)


@asynccontextmanager
async def suspended_by_waits() -> AsyncGenerator[None]:
    """Suspend the current run where what happens within raises `Waits`.

    Its process ends then. Answered, the run begins anew in another one, wherever there is a worker.
    Prefect suspends runs of deployments alone, and no subflows: in others, nothing raises it.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or run.deployment_id is None or run.parent_task_run_id is not None:
        yield
        return
    was_suspended = bool(run.empirical_policy.pause_keys)
    asked = await asked_by(run.id) if was_suspended else None
    override = await asked.override(run.id) if asked else None
    token = _this.set(Suspendable(run=run.id, asked=asked, override=override))
    try:
        yield
    except Waits as waits:
        waiting = waits
    else:
        return
    finally:
        _this.reset(token)
    await _suspend(run.id, waiting)


async def _suspend(run: UUID, waiting: Waits) -> None:
    """Suspend a run; its process ends by the exception that Prefect raises."""
    question, key = waiting.question, uuid.uuid4().hex
    asked = Asked(
        question=question,
        key=key,
        until=datetime.now(UTC) + timedelta(seconds=question.timeout_seconds),
        report=pack(waiting.report.model_dump_json()) if waiting.report else None,
    )
    # Whoever looks at runs that wait, or answers at once, finds all of it.
    await asked.keep(run)
    await end_beside()
    form = FreezeOverride if question.frozen else Approval
    await asuspend_flow_run(
        wait_for_input=form.with_initial_data(description=question.description),
        key=key,
        timeout=question.timeout_seconds + GRACE_SECONDS,
    )
