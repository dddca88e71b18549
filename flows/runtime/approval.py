"""Deploy, with a person's consent: the run waits with a form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run

from flows.runtime.notify import announce
from flows.runtime.opened_run import opened_run_log
from flows.runtime.question import Answer, Approval, Question
from flows.runtime.suspension import Waits, suspendable
from shipway import commands
from shipway.app_environment import AppEnvironment
from shipway.errors import FailError, HaltError
from shipway.git.ops_folder import OpsFolder
from shipway.release import Release
from shipway.rollout.approval_commit import ApprovalCommit
from shipway.rollout.approvers import approvers_of
from shipway.rollout.found_approval import FoundApproval
from shipway.rollout.result import StepCommit
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step
from shipway.text import one_line

POLL_SECONDS = 1

Look = Callable[[ApprovalCommit], Awaitable[FoundApproval]]


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
    folder: OpsFolder,
    commits: Mapping[str, StepCommit],
    look: Look,
) -> dict[str, str]:
    """Wait until a person answers; return the trailers that say who did.

    Where rollout.yaml names approvers, a yes in the form approves nothing: a signed commit does.

    Args:
        target: The environment.
        step: What is to be approved.
        release: What is released.
        notes: What the gates said up to now, which the form shows.
        folder: The folder in the ops repository as it is now.
        commits: Those of the steps before, by the step's name.
        look: Looks for a signed approval.

    Raises:
        DeclinedError: The answer is no.
        HaltError: Nobody answers in time.
        RefuseError: None of the approvers has a key.
        Waits: Nobody has answered yet, and the run can be suspended until somebody does.
    """
    measured = notes.get("Gates", "no gate was asked yet")
    question = _question(target, step, release, measured, folder, commits)
    this = suspendable()
    answer = None
    if this is not None:
        answer, question = await this.answer_to(question), this.as_asked(question)
        if this.asks_again(question):
            opened_run_log().warning("What was asked before is there no more: it is asked again.")
    while True:
        if answer is not None:
            if answer.is_late:
                raise nobody_answered(question)
            if not answer.given.approve or question.signed is None:
                return _trailers(answer.given, step)
            found = await look(question.signed)
            if found.trailers:
                return found.trailers
            update = {"looked_at": found.commit, "why_not": found.why_not}
            question = question.model_copy(update=update)
        await announce(target, release, "approval", _words(question, measured), step=step.name)
        if this is not None:
            raise Waits(question)
        answer = Answer(given=await _paused(question), is_late=False)


def _question(
    target: Target,
    step: Step,
    release: Release,
    measured: str,
    folder: OpsFolder,
    commits: Mapping[str, StepCommit],
) -> Question:
    """What a person is asked about a step, for the first time."""
    image, approvers = release.image, approvers_of(folder, target_of(folder).rollout)
    # The form breaks no word: a whole digest would be cut.
    digest = (image.digest or "").partition(":")[2][:12]
    title = f"**{step.name}** of {target.app_environment.title}"
    signed = approvers and ApprovalCommit(
        app_environment=target.app_environment,
        release=release,
        step=step.name,
        fingerprint=folder.fingerprint,
        approvers=approvers,
    )
    return Question(
        app_environment=target.app_environment,
        release=release,
        step=step.name,
        fingerprint=folder.fingerprint,
        timeout_seconds=round(target.rollout.approval_timeout_seconds),
        form=f"{title}\n\nImage {image.repository}, digest {digest}\n\n{measured}",
        commits=dict(commits),
        signed=signed,
    )


def _words(question: Question, measured: str) -> str:
    """What the log and the team are told of a question."""
    words = f"{question.sentence} {measured}"
    if question.signed is None:
        return words
    why_not = [question.why_not] if question.why_not else []
    how = f"To approve, in a clone of the ops repository:\n{question.signed.command}"
    return "\n".join([words, *why_not, how])


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
            wait_for_input=Approval.with_initial_data(description=question.description),
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
    # Nobody knows who answers a form, and a name may say that it is signed.
    by = f"{who} (unverified)"
    return {"Approved-By": by, **({"Approved-Because": reason} if reason else {})}
