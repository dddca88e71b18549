"""What a run asks a person: the form, the question, and both as the Prefect server keeps them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import FlowRunInput
from prefect.input import RunInput
from prefect.input.run_input import keyset_from_base_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shipway.app_environment import AppEnvironment
from shipway.release import Release
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.frozen import Frozen
from shipway.rollout.result import StepCommit
from shipway.text import one_line

# Of the inputs that say what a run waits for.
WAITS_FOR = "waits-for"


class Approval(RunInput):
    """The form."""

    approve: bool = Field(description="Whether the rollout may go on; no rolls it back.")
    who: str = Field(min_length=1, description="Your name, as you say it; it stands in the commit.")
    reason: str = Field(default="", description="Why; it stands beside the name.")


class FreezeOverride(RunInput):
    """The form of a run that waits for the end of a freeze, and goes on then without an answer."""

    reason: str = Field(
        default="", description="Why it goes on now all the same; it stands in the commit."
    )
    who: str = Field(default="", description="Your name, as you say it; it stands there too.")

    @property
    def words(self) -> str:
        """What the commit says; empty where nobody has given a reason."""
        reason, who = one_line(self.reason), one_line(self.who)
        return f"{reason} ({who})" if reason and who else reason


class Question(BaseModel):
    """Whether a step may be taken, or whether a release may go on in a freeze.

    Attributes:
        app_environment: Where.
        release: What is released there.
        step: Name of the step; empty in a freeze.
        fingerprint: Of the folder in the ops repository, as the person is to judge it.
        timeout_seconds: How long an answer may take.
        form: What the form says, in Markdown.
        commits: Those of the steps before it that this run has made, by the step's name.
        frozen: The freeze, if the run waits for the end of one.
        signed: The commit that approves; None where the answer in the form does.
        looked_at: A commit that was found in its place, and approves nothing.
        why_not: Why nothing approves yet, where that was looked for.
    """

    model_config = ConfigDict(frozen=True)

    app_environment: AppEnvironment
    release: Release
    step: str = ""
    fingerprint: str = ""
    timeout_seconds: int
    form: str
    commits: dict[str, StepCommit] = {}
    frozen: Frozen | None = None
    signed: ApprovalCommit | None = None
    looked_at: str = ""
    why_not: str = ""

    @property
    def key(self) -> str:
        """Equal for what the same answer may answer: the step, the image, what Git says."""
        asked = [self.step, str(self.release.image), self.fingerprint]
        if self.signed is not None:
            asked.append(self.signed.approvers.model_dump_json())
        return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:16]

    @property
    def description(self) -> str:
        """What the form says in all, in Markdown."""
        if self.signed is None:
            return self.form
        why_not = f"**Not approved:**\n\n```text\n{self.why_not}\n```\n\n" if self.why_not else ""
        return (
            f"{self.form}\n\n{why_not}"
            f"Whoever approves signs a commit: {self.signed.approvers.words}. In a clone of the "
            f"ops repository:\n\n```sh\n{self.signed.command}\n```\n\n"
            "The release goes on within a minute. A *yes* in this form approves nothing; without "
            "it, the answer is no."
        )

    @property
    def sentence(self) -> str:
        """What the run waits for."""
        if self.frozen is not None:
            return f"{self.app_environment.title} is {self.frozen.words}. The release waits."
        if self.signed is not None:
            return f"{self.step} waits for an approval that {self.signed.approvers.words} signs."
        return f"{self.step} waits for an approval."


class Asked(BaseModel):
    """A question that a run waits with, and what the run had come to by then.

    Attributes:
        question: The question.
        key: Of the answer, among the inputs of the run.
        until: When an answer comes too late.
        report: The run's report so far, packed; None where it wrote none.
    """

    model_config = ConfigDict(frozen=True)

    question: Question
    key: str
    until: datetime
    report: str | None

    async def keep(self, run: UUID) -> None:
        """Keep it with the run."""
        async with get_client() as client:
            await client.create_flow_run_input(
                run, f"{WAITS_FOR}-{self.key}", self.model_dump_json()
            )

    async def answer(self, run: UUID) -> Answer | None:
        """What a person has answered; None where nobody has."""
        found = await self._given(run)
        if found is None:
            return None
        given = Approval.load_from_flow_run_input(found)
        return Answer(given=given, is_late=_at(found) > self.until)

    async def override(self, run: UUID) -> str | None:
        """Why a person has the run go on in a freeze; None where nobody has said so."""
        found = await self._given(run) if self.question.frozen else None
        words = FreezeOverride.load_from_flow_run_input(found).words if found else ""
        return words or None

    async def _given(self, run: UUID) -> FlowRunInput | None:
        key = keyset_from_base_key(f"suspended-{self.key}")["response"]
        found = await _inputs(run, key)
        return found[-1] if found else None


class Answer(NamedTuple):
    """What a person has answered, and whether that came too late."""

    given: Approval
    is_late: bool


async def asked_by(run: UUID) -> Asked | None:
    """What a run waits for, or waited for last; None where it never did, or nobody can read it."""
    kept = sorted(await _inputs(run, WAITS_FOR), key=_at)
    try:
        return Asked.model_validate_json(kept[-1].value) if kept else None
    except ValidationError:
        # Another version of Shipway has written it. No answer to it counts: it is asked again.
        return None


async def _inputs(run: UUID, prefix: str) -> list[FlowRunInput]:
    async with get_client() as client:
        return await client.filter_flow_run_input(run, prefix, limit=200, exclude_keys=set())


def _at(given: FlowRunInput) -> datetime:
    """When an input came to the server; one that does not say so came too late."""
    return given.created or datetime.max.replace(tzinfo=UTC)
