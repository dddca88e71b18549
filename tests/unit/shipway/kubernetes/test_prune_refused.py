"""What prune says where the API server does not list or delete what it asks for."""

from __future__ import annotations

import pytest
from kubernetes_asyncio.client import ApiException

from shipway.errors import RefuseError, RetryError
from shipway.kubernetes.membership import FIELD_MANAGER, MEMBER, Identity
from shipway.kubernetes.prune import prune
from tests.support.memory_cluster import MemoryCluster, api_error

CUSTOM, ROLE = "Widget.example.org", "ClusterRole.rbac.authorization.k8s.io"
UNTOUCHED = "  untouched: this object and those after it"
REMEDY = "  remedy:    give the account of the Cluster block that right"
NO_RIGHT = 'User "system:serviceaccount:shipway:agent" cannot {} resource "{}" in API group ""'


class RefusingCluster(MemoryCluster):
    """A cluster that answers some requests with an error, by method and path."""

    def __init__(self, *namespaces: str) -> None:
        super().__init__(*namespaces)
        self.answers: dict[str, ApiException] = {}

    async def call(self, method: str, path: str, *more: object) -> object:
        if (error := self.answers.get(f"{method} {path}")) is not None:
            raise error
        return await super().call(method, path, *more)


async def member(cluster: MemoryCluster, kind: str, api: str, namespace: str | None) -> None:
    """Have an object there as the agent applies it."""
    body = {"apiVersion": api, "kind": kind, "metadata": {"name": "a", "labels": {MEMBER: "set"}}}
    if kind == "Secret":
        body["stringData"] = {"password": "hunter2"}
    await cluster.apply(body, namespace, FIELD_MANAGER)


@pytest.fixture
async def cluster() -> RefusingCluster:
    cluster = RefusingCluster("shop", "web")
    for kind in ("ConfigMap", "Secret"):
        await member(cluster, kind, "v1", "shop")
    await member(cluster, "Widget", "example.org/v2", "web")
    await member(cluster, "ClusterRole", "rbac.authorization.k8s.io/v1", None)
    return cluster


async def pruned(
    cluster: MemoryCluster, *kinds: str, keep: frozenset[Identity] = frozenset()
) -> list[str]:
    return await prune(cluster, "set", set(kinds), {"shop", "web"}, keep, set())


async def told(cluster: MemoryCluster, *kinds: str) -> str:
    with pytest.raises((RefuseError, RetryError)) as caught:
        await pruned(cluster, *kinds)
    return f"{type(caught.value).__name__}: {caught.value}"


async def test_members_are_deleted_by_kind_and_namespace(cluster: RefusingCluster) -> None:
    kinds = ("Secret", CUSTOM, "ConfigMap", ROLE)
    titles = await pruned(cluster, *kinds, keep=frozenset({Identity("", "Secret", "shop", "a")}))
    assert titles == ["ClusterRole/a", "ConfigMap/a", "Widget/a"]
    assert cluster.titles() == ["Namespace/shop", "Namespace/web", "Secret/a"]


async def test_what_comes_after_a_namespace_or_an_unknown_kind_is_pruned(
    cluster: RefusingCluster,
) -> None:
    await member(cluster, "Namespace", "v1", None)
    kinds = ("Namespace", "Boat.example.org", "Secret")
    assert await pruned(cluster, *kinds) == ["Secret/a"]


async def test_what_comes_after_an_object_that_stays_is_pruned(cluster: RefusingCluster) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}
    body["metadata"]["labels"] = {MEMBER: "set"}
    await cluster.apply(body, "shop", FIELD_MANAGER)
    keep = frozenset({Identity("", "ConfigMap", "shop", "a")})
    assert await pruned(cluster, "ConfigMap", keep=keep) == ["ConfigMap/b"]


async def test_a_server_that_cannot_say_what_it_serves_is_asked_again(
    cluster: RefusingCluster,
) -> None:
    cluster.answers["GET /apis"] = api_error(503, "etcd is away")
    assert await told(cluster, CUSTOM) == (
        "RetryError: The API server cannot take Widget/(all) now.\n"
        "  where:     the cluster\n"
        "  got:       HTTP 503: etcd is away\n" + UNTOUCHED
    )


@pytest.mark.parametrize(
    ("kind", "path", "where"),
    [
        ("ConfigMap", "/api/v1/namespaces/web/configmaps", "namespace web"),
        (ROLE, "/apis/rbac.authorization.k8s.io/v1/clusterroles", "the cluster"),
    ],
)
async def test_objects_that_may_not_be_listed_are_named_by_kind_and_place(
    cluster: RefusingCluster, kind: str, path: str, where: str
) -> None:
    words = NO_RIGHT.format("list", path.rpartition("/")[2])
    cluster.answers[f"GET {path}"] = api_error(403, words)
    assert await told(cluster, kind) == (
        f"RefuseError: The API server does not accept {kind.partition('.')[0]}/(all).\n"
        f"  where:     {where}\n"
        f"  got:       {words}\n" + UNTOUCHED + "\n" + REMEDY
    )


async def test_a_kind_that_goes_in_the_very_pass_has_no_members(cluster: RefusingCluster) -> None:
    path = "/apis/example.org/v2/namespaces/web/widgets"
    cluster.answers[f"GET {path}"] = api_error(404, "gone")
    assert await pruned(cluster, CUSTOM) == []


async def test_an_object_that_may_not_be_deleted_is_named(cluster: RefusingCluster) -> None:
    words = NO_RIGHT.format("delete", "configmaps")
    cluster.answers["DELETE /api/v1/namespaces/shop/configmaps/a"] = api_error(403, words)
    assert await told(cluster, "ConfigMap") == (
        "RefuseError: The API server does not accept ConfigMap/a.\n"
        "  where:     namespace shop\n"
        f"  got:       {words}\n" + UNTOUCHED + "\n" + REMEDY
    )


async def test_what_admission_forbids_is_the_manifests_fault(cluster: RefusingCluster) -> None:
    words = 'admission webhook "policy.example.org" denied the request: no owner'
    cluster.answers["DELETE /api/v1/namespaces/shop/configmaps/a"] = api_error(403, words)
    assert "remedy:    correct the manifest" in await told(cluster, "ConfigMap")


async def test_a_secret_that_may_not_be_deleted_is_not_quoted(cluster: RefusingCluster) -> None:
    path = "/api/v1/namespaces/shop/secrets/a"
    cluster.answers[f"DELETE {path}"] = api_error(422, "stringData.password: hunter2 is weak")
    words = await told(cluster, "Secret")
    assert "HTTP 422 at stringData.password; the server's words are hidden" in words
    assert "hunter2" not in words


async def test_what_somebody_else_deleted_first_counts_as_deleted(
    cluster: RefusingCluster,
) -> None:
    path = "/api/v1/namespaces/shop/configmaps/a"
    cluster.answers[f"DELETE {path}"] = api_error(404, "gone")
    assert await pruned(cluster, "ConfigMap") == ["ConfigMap/a"]
