from __future__ import annotations

from collections.abc import Sequence

import pytest

from shipway.agents.flux import Flux
from shipway.agents.verdict import Says, Verdict
from shipway.errors import RefuseError, RetryError
from shipway.rollout.external_agent import AgentWatch, before_commit, nudge, read_objects
from tests.support.agents import FLUX_SERVED, git_repository, kustomization
from tests.support.memory_cluster import MemoryCluster, api_error
from tests.support.watched import target

FLUX = Flux(kustomization="shop")


@pytest.fixture
def cluster() -> MemoryCluster:
    cluster = MemoryCluster("flux-system")
    cluster.served |= FLUX_SERVED
    cluster.put(kustomization(), "flux-system")
    cluster.put(git_repository(), "flux-system")
    return cluster


async def test_a_kustomization_is_read_with_its_source(cluster: MemoryCluster) -> None:
    found = await read_objects(cluster, FLUX)
    assert [ref.kind for ref in found] == ["Kustomization", "GitRepository"]


@pytest.mark.parametrize(
    ("group", "got"),
    [("", "no such object"), ("kustomize.toolkit.fluxcd.io/v1", "a cluster without the kind")],
)
async def test_an_object_that_is_not_there_is_refused(
    cluster: MemoryCluster, group: str, got: str
) -> None:
    cluster.served.pop(group, None)
    with pytest.raises(RefuseError) as refused:
        await read_objects(cluster, FLUX if group else Flux(kustomization="cart"))
    assert got in str(refused.value)


async def test_the_source_is_nudged_first_and_nothing_else_changes(cluster: MemoryCluster) -> None:
    before = await read_objects(cluster, FLUX)
    await nudge(cluster, FLUX)
    assert cluster.log == ["annotate GitRepository/ops", "annotate Kustomization/shop"]
    for ref, body in (await read_objects(cluster, FLUX)).items():
        assert body["metadata"].pop("annotations").keys() == {"reconcile.fluxcd.io/requestedAt"}
        assert body == before[ref]


@pytest.mark.parametrize(("status", "kind"), [(403, RefuseError), (503, RetryError)])
async def test_a_nudge_that_is_refused_says_so(
    cluster: MemoryCluster, status: int, kind: type[Exception]
) -> None:
    cluster.refuses["ops"] = api_error(status, "no")
    with pytest.raises(kind, match=r"its agent|does not answer"):
        await nudge(cluster, FLUX)
    assert cluster.log == []


def verdict(says: Says, *, of_version: bool = False) -> Verdict:
    return Verdict(says=says, words=f"it is {says}", remedy="`do`", of_version=of_version)


@pytest.mark.parametrize("says", ["applied", "unknown"])
def test_an_agent_that_goes_on_is_given_a_commit(says: Says) -> None:
    assert before_commit(target(), verdict(says)) == f"it is {says}"


@pytest.mark.parametrize(
    ("says", "kind"),
    [
        ("suspended", RefuseError),
        ("failing", RefuseError),
        ("waits", RetryError),
        ("failed before", RetryError),
    ],
)
def test_an_agent_that_would_not_apply_a_commit_is_not_given_one(
    says: Says, kind: type[RefuseError]
) -> None:
    with pytest.raises(kind) as refused:
        before_commit(target(), verdict(says))
    assert refused.value.facts["got"] == f"it is {says}"
    assert refused.value.facts["remedy"] == "`do`"


@pytest.mark.parametrize("says", ["failing", "failed before"])
def test_what_only_the_version_before_is_to_blame_for_keeps_no_other_one_out(says: Says) -> None:
    assert before_commit(target(), verdict(says, of_version=True))


class Agent:
    """An agent that says something else at each look, and the last of it for ever."""

    def __init__(self, *says: Says | Exception) -> None:
        self._says: Sequence[Says | Exception] = says
        self.told: list[str] = []

    async def look(self) -> Verdict:
        said, *left = self._says
        self._says = left or self._says
        if isinstance(said, Exception):
            raise said
        return verdict(said)

    def watch(self, seconds: float = 1000) -> AgentWatch:
        return AgentWatch(self.look, seconds, self.told.append)


@pytest.mark.parametrize("says", ["suspended", "failing"])
async def test_what_does_not_change_by_waiting_ends_it_at_once(says: Says) -> None:
    watch = Agent("unknown", says).watch()
    assert await watch.trouble() is None
    assert await watch.trouble() == (f"it is {says}", "`do`")


async def test_what_may_pass_is_told_once_and_waited_for() -> None:
    agent = Agent("failed before", "waits", "waits", "unknown")
    watch = agent.watch()
    assert [await watch.trouble() for _ in range(4)] == [None] * 4
    assert agent.told == ["the agent waits: it is failed before", "the agent waits: it is waits"]


async def test_an_agent_that_cannot_be_asked_is_no_reason_to_end() -> None:
    assert await Agent(RetryError("The cluster does not answer.")).watch().trouble() is None


async def test_an_agent_that_says_the_same_for_too_long_is_quoted() -> None:
    watch = Agent("waits", "applied", "applied").watch(seconds=-1)
    assert await watch.trouble() == ("it is waits", "`do`")
    trouble = await watch.trouble()
    assert trouble is not None
    assert trouble.words.startswith("it is applied, and yet the cluster does not say so")
