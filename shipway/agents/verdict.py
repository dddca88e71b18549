"""What an agent's state means for a commit: it has applied it, it cannot, or nobody knows yet."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shipway.agents.agent import AgentState, Fault

Says = Literal["suspended", "failing", "waits", "applied", "failed before", "unknown"]


class Verdict(BaseModel):
    """What an agent says of a commit.

    Attributes:
        says: `suspended` by somebody; `failing` on the commit, or on whatever comes; `waits` for
            what may pass; has `applied` it; `failed before`, on an earlier commit; else `unknown`.
        words: The same for people, in the agent's own words.
        remedy: What a person may do about it.
        of_version: Whether another version may be the way out.
        warnings: What people should know, and what stops nothing.
        has_applied: Whether it has applied the commit, whatever else it says now.
    """

    model_config = ConfigDict(frozen=True)

    says: Says
    words: str
    remedy: str | None = None
    of_version: bool = False
    warnings: tuple[str, ...] = ()
    has_applied: bool = False


def judge(state: AgentState, since: Collection[str]) -> Verdict:
    """What an agent says of a commit.

    Args:
        state: What its objects say.
        since: The commit, and those that the state names and that contain it.
    """
    verdict = _judged(state, since)
    has_applied = not {*state.applied}.isdisjoint(since)
    return verdict.model_copy(update={"warnings": state.warnings, "has_applied": has_applied})


def _judged(state: AgentState, since: Collection[str]) -> Verdict:
    if state.suspended is not None:
        return _verdict("suspended", state.suspended)
    passing = [fault for fault in state.faults if fault.may_pass]
    lasting = [fault for fault in state.faults if not fault.may_pass]
    ours = [fault for fault in lasting if not fault.commits or {*fault.commits} & {*since}]
    if ours:
        return _verdict("failing", ours[0])
    if passing:
        return _verdict("waits", passing[0])
    for commit in state.applied:
        if commit in since:
            return Verdict(says="applied", words=f"{state.title} has applied {commit[:7]}")
    if lasting:
        return _verdict("failed before", lasting[0])
    known = ", ".join(commit[:7] for commit in state.applied) or "nothing that it tells"
    return Verdict(says="unknown", words=f"{state.title} has applied {known} up to now")


def _verdict(says: Says, fault: Fault) -> Verdict:
    return Verdict(says=says, words=fault.words, remedy=fault.remedy, of_version=fault.of_version)
