"""Another agent, asked: what it says of a commit, and a nudge to look at Git at once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from kubernetes_asyncio.client import ApiException

from shipway.agents.agent import AgentSettings, Object, ObjectRef
from shipway.agents.verdict import Verdict
from shipway.errors import RefuseError, RetryError, ShipwayError
from shipway.kubernetes.client import NO_ANSWER, KubeClient
from shipway.kubernetes.refused import is_passing, words_of
from shipway.rollout.agent import Trouble
from shipway.rollout.target import Target

_UNTOUCHED = "the ops repository and the cluster"
# What does not change by waiting.
_ENDS = frozenset({"suspended", "failing"})
# What people should know while they wait.
_NEWS = frozenset({"waits", "failed before"})


async def read_objects(client: KubeClient, settings: AgentSettings) -> dict[ObjectRef, Object]:
    """The objects in which an agent is told what to apply, and what they take commits from.

    Raises:
        RefuseError: One is not there, or may not be read.
        RetryError: The API server is overloaded or fails.
    """
    found: dict[ObjectRef, Object] = {}
    left = list(settings.objects)
    while left:
        ref = left.pop(0)
        found[ref] = await _read(client, ref)
        left += [source for source in settings.sources(found[ref]) if source not in found]
    return found


async def nudge(client: KubeClient, settings: AgentSettings) -> None:
    """Have an agent look at Git at once: first what it takes commits from.

    Raises:
        RefuseError: An object is not there, or may not be changed.
        RetryError: The API server is overloaded or fails.
    """
    if settings.nudge is None:
        return
    annotations = {settings.nudge: datetime.now(UTC).isoformat()}
    bodies = await read_objects(client, settings)
    for ref, body in reversed(bodies.items()):
        try:
            await client.annotate(
                body["apiVersion"], ref.kind, ref.name, ref.namespace, annotations
            )
        except NO_ANSWER as error:
            raise _no_answer(ref, error) from error


def before_commit(target: Target, verdict: Verdict) -> str:
    """What an agent says of the tip, for people, where it may be given a commit.

    Raises:
        RefuseError: It is suspended, or fails on what Git says now.
        RetryError: It fails on an earlier commit, or waits for what may pass.
    """
    facts = {
        "where": target.folder,
        "expected": "an agent that applies the next commit",
        "got": verdict.words,
        "untouched": _UNTOUCHED,
        "remedy": verdict.remedy,
    }
    if verdict.says == "suspended" or (verdict.says == "failing" and not verdict.of_version):
        raise RefuseError("The cluster's agent would not apply the release.", **facts)
    if verdict.says in _NEWS and not verdict.of_version:
        raise RetryError("The cluster's agent may not apply the release.", **facts)
    return verdict.words


class AgentWatch:
    """What an agent says of a commit for as long as a rollout waits for it.

    Args:
        look: Asks it.
        deadline_seconds: For how long it may say the same.
        tell: Told what keeps it from applying.
    """

    def __init__(
        self,
        look: Callable[[], Awaitable[Verdict]],
        deadline_seconds: float,
        tell: Callable[[str], None],
    ) -> None:
        self._look = look
        self._deadline_seconds = deadline_seconds
        self._tell = tell
        self._last, self._since = "", time.monotonic()

    async def trouble(self) -> Trouble | None:
        """Why the agent will not apply the commit, in its own words; None while it may."""
        try:
            verdict = await self._look()
        except ShipwayError as error:
            verdict = Verdict(says="unknown", words=f"{error.what} {error.facts['got'] or ''}")
        if verdict.words != self._last:
            # It may say the same from the start; then it says so as long as one waits.
            self._since = time.monotonic() if self._last else self._since
            self._last = verdict.words
            if verdict.says in _NEWS:
                self._tell(f"the agent waits: {verdict.words}")
        lasts = time.monotonic() - self._since > self._deadline_seconds
        if verdict.says not in _ENDS and not lasts:
            return None
        words = verdict.words
        if verdict.says == "applied":
            words += ", and yet the cluster does not say so: somebody else changes it, or it is "
            words += "told to apply another folder, or to another namespace"
        return Trouble(words, verdict.remedy)


async def _read(client: KubeClient, ref: ObjectRef) -> Object:
    try:
        version = await client.served_version(ref.group, ref.kind)
        body = version and await client.get(version, ref.kind, ref.name, ref.namespace)
    except NO_ANSWER as error:
        raise _no_answer(ref, error) from error
    if not body:
        raise RefuseError(
            f"There is no {ref.address}.",
            where="external_agent in rollout.yaml",
            expected="the object in which the agent is told to apply the folder",
            got="no such object" if version else f"a cluster without the kind {ref.kind}",
            untouched=_UNTOUCHED,
            remedy="correct name, namespace and cluster in rollout.yaml",
        )
    return body


def _no_answer(ref: ObjectRef, error: Exception) -> ShipwayError:
    """The error for an object that the API server does not let one ask or change."""
    denied = isinstance(error, ApiException) and not is_passing(error)
    words = words_of(error) if isinstance(error, ApiException) else str(error)
    facts: Mapping[str, str] = {"where": ref.address, "got": words, "untouched": _UNTOUCHED}
    if not denied:
        return RetryError("The cluster does not answer about its agent.", **facts)
    return RefuseError(
        "The cluster does not let Shipway ask its agent.",
        **facts,
        remedy="give the account of the Cluster block the Role in deployments/agents, or leave "
        "external_agent out of rollout.yaml",
    )
