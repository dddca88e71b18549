"""Deploy, with a person's consent: the run waits with a form."""

from __future__ import annotations

from collections.abc import Mapping

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run

from flows.runtime.notify import announce
from flows.runtime.opened_run import opened_run_log
from flows.runtime.question import Approval, Question
from flows.runtime.suspension import Waits, suspendable
from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, HaltError
from shipway.release import Release
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target
from shipway.strategies.step import Step
from shipway.text import one_line

POLL_SECONDS = 1


class DeclinedError(FailError):
    """A person did not approve a step.

    Attributes:
        who: Who that was, as the form says it.
    """

    def __init__(self, step: str, who: str, reason: str) -> None:
        super().__init__(
            f"{who} did not approve {step!r}.",
            expected="an approval",
            got=reason or "no reason",
            untouched="the version before, which takes the requests",
        )
        self.who = who


async def ask_for_approval(
    target: Target,
    step: Step,
    release: Release,
    notes: Mapping[str, str],
    fingerprint: str,
    commits: Mapping[str, StepCommit],
) -> dict[str, str]:
    """Wait until a person answers; return the trailers that say who did.

    Args:
        target: The environment.
        step: What is to be approved.
        release: What is released.
        notes: What the gates said up to now, which the form shows.
        fingerprint: Of the folder in the ops repository as it is now.
        commits: Those of the steps before, by the step's name.

    Raises:
        DeclinedError: The answer is no.
        HaltError: Nobody answers in time.
        Waits: Nobody has answered yet, and the run can be suspended until somebody does.
    """
    measured = notes.get("Gates", "no gate was asked yet")
    image = release.image
    # The form breaks no word: a whole digest would be cut.
    digest = (image.digest or "").partition(":")[2][:12]
    title = f"**{step.name}** of {target.app_environment.title}"
    question = Question(
        app_environment=target.app_environment,
        release=release,
        step=step.name,
        fingerprint=fingerprint,
        timeout_seconds=round(target.rollout.approval_timeout_seconds),
        form=f"{title}\n\nImage {image.repository}, digest {digest}\n\n{measured}",
        commits=dict(commits),
    )
    this = suspendable()
    answer = await this.answer_to(question) if this else None
    if answer is None:
        if this is not None and this.asks_again(question):
            opened_run_log().warning("What was asked before is there no more: it is asked again.")
        words = f"{question.sentence} {measured}"
        await announce(target, release, "approval", words, step=step.name)
        if this is not None:
            raise Waits(question)
        return _trailers(await _paused(question), step)
    if answer.is_late:
        raise nobody_answered(question)
    return _trailers(answer.given, step)


def nobody_answered(question: Question) -> HaltError:
    """The error of a run that waited in vain."""
    app_environment: AppEnvironment = question.app_environment
    return HaltError(
        f"Nobody approved {question.step!r}.",
        where=app_environment.folder,
        expected=f"an answer within {question.timeout_seconds} s",
        got="none",
        untouched="the rollout, which stands where it is, and the version before it",
        remedy=f"start the release again: it asks again; or {commands.rollback(app_environment)}",
    )


async def _paused(question: Question) -> Approval:
    """Pause in this process, of a run that cannot be suspended, until a person answers."""
    try:
        return await apause_flow_run(
            wait_for_input=Approval.with_initial_data(description=question.form),
            timeout=question.timeout_seconds,
            poll_interval=POLL_SECONDS,
        )
    except FlowPauseTimeout as error:
        raise nobody_answered(question) from error


def _trailers(answer: Approval, step: Step) -> dict[str, str]:
    """Who approved a step, and why."""
    who, reason = one_line(answer.who), one_line(answer.reason)
    if not answer.approve:
        raise DeclinedError(step.name, who, reason)
    return {"Approved-By": who, **({"Approved-Because": reason} if reason else {})}
