"""Deploy, with a person's consent: the run pauses with a form."""

from __future__ import annotations

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run
from prefect.input import RunInput
from pydantic import BaseModel, ConfigDict, Field

from flows.runtime.notify import announce
from shipway import commands
from shipway.errors import FailError, HaltError
from shipway.release import Release
from shipway.rollout.target import Target
from shipway.strategies.step import Step
from shipway.text import one_line

POLL_SECONDS = 1


class Approval(RunInput):
    """The form."""

    approve: bool = Field(description="Whether the rollout may go on; no rolls it back.")
    who: str = Field(min_length=1, description="Your name; it stands in the commit.")
    reason: str = Field(default="", description="Why; it stands beside the name.")


class Declined(BaseModel):
    """A no, with who said it and why."""

    model_config = ConfigDict(frozen=True)

    who: str
    reason: str

    def error(self, step: Step) -> FailError:
        """The error that the run ends with."""
        return FailError(
            f"{self.who} did not approve {step.name!r}.",
            expected="an approval",
            got=self.reason or "no reason",
            untouched="the version before, which takes the requests",
        )


async def ask_for_approval(
    target: Target, step: Step, release: Release, notes: dict[str, str]
) -> dict[str, str] | Declined:
    """Pause the run until a person answers; return the trailers that say who did.

    Args:
        target: The environment.
        step: What is to be approved.
        release: What is released.
        notes: What the gates said up to now, which the form shows.

    Raises:
        HaltError: Nobody answers in time.
    """
    measured = notes.get("Gates", "no gate was asked yet")
    title = f"**{step.name}** of {target.app_environment.title}"
    image = release.image
    # The form breaks no word: a whole digest would be cut.
    digest = (image.digest or "").partition(":")[2][:12]
    words = f"{step.name} waits for an approval. {measured}"
    await announce(target, release, "approval", words, step=step.name)
    timeout = round(target.rollout.approval_timeout_seconds)
    try:
        answer = await apause_flow_run(
            wait_for_input=Approval.with_initial_data(
                description=f"{title}\n\nImage {image.repository}, digest {digest}\n\n{measured}"
            ),
            timeout=timeout,
            poll_interval=POLL_SECONDS,
        )
    except FlowPauseTimeout as error:
        raise HaltError(
            f"Nobody approved {step.name!r}.",
            where=target.folder,
            expected=f"an answer within {timeout} s",
            got="none",
            untouched="the rollout, which stands where it is, and the version before it",
            remedy="start the release again: it asks again; or "
            f"{commands.rollback(target.app_environment)}",
        ) from error
    who, reason = one_line(answer.who), one_line(answer.reason)
    if not answer.approve:
        return Declined(who=who, reason=reason)
    return {"Approved-By": who, **({"Approved-Because": reason} if reason else {})}
