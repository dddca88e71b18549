"""A list in a manifest is read as its items."""

from __future__ import annotations

import pytest
import yaml

from shipway.errors import RefuseError
from shipway.kubernetes.objects import read_objects

A = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
B = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "b"}}
BARE = {"metadata": {"name": "a"}, "data": {"k": "v"}}


def of(*items: object, kind: str = "List", api: str = "v1", **more: object) -> dict[str, object]:
    return {"apiVersion": api, "kind": kind, "items": list(items), **more}


def titles(*documents: object) -> list[str]:
    text = yaml.dump_all(documents, Dumper=_WithoutAliases)
    return [each.title for each in read_objects({"l.yaml": text.encode()}, "prod/shop")]


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


LISTS: dict[str, tuple[list[object], list[str]]] = {
    "a List": ([of(A, B)], ["ConfigMap/a", "Deployment/b"]),
    "a List as kubectl get prints it": (
        [of(A, B, metadata={"resourceVersion": ""})],
        ["ConfigMap/a", "Deployment/b"],
    ),
    "a List in a List": ([of(of(A), B)], ["ConfigMap/a", "Deployment/b"]),
    "a List beside an object": ([of(A), B], ["ConfigMap/a", "Deployment/b"]),
    "an empty List": ([of(), B], ["Deployment/b"]),
    "a List of null": ([{"apiVersion": "v1", "kind": "List", "items": None}, B], ["Deployment/b"]),
    "a ConfigMapList": ([of(A, kind="ConfigMapList")], ["ConfigMap/a"]),
    "a ConfigMapList of bare items": ([of(BARE, kind="ConfigMapList")], ["ConfigMap/a"]),
    "an object of a kind called AllowList": (
        [of("10.0.0.0/8", kind="AllowList", api="e.org/v1", metadata={"name": "a"})],
        ["AllowList/a"],
    ),
    "an object of a kind called BlockList, without items": (
        [{"apiVersion": "e.org/v1", "kind": "BlockList", "metadata": {"name": "a"}}],
        ["BlockList/a"],
    ),
}


@pytest.mark.parametrize(("documents", "expected"), LISTS.values(), ids=LISTS.keys())
def test_a_list_is_its_items(documents: list[object], expected: list[str]) -> None:
    assert titles(*documents) == expected


def test_the_body_of_a_bare_item_says_what_it_is() -> None:
    text = yaml.safe_dump(of(BARE, kind="ConfigMapList"))
    (found,) = read_objects({"l.yaml": text.encode()}, "prod/shop")
    assert found.body == A


WRONG = {
    "an item without a name": (of({"apiVersion": "v1", "kind": "Service"}), "Not a Kubernetes"),
    "an item that is text": (of("text"), "Not a Kubernetes"),
    "a bare item of a List": (of(BARE), "Not a Kubernetes"),
    "an item that stands twice": (of(A, A), "ConfigMap/a stands twice."),
    "a List without items": ({"apiVersion": "v1", "kind": "List"}, "Not a Kubernetes"),
}


@pytest.mark.parametrize(("document", "what"), WRONG.values(), ids=WRONG.keys())
def test_a_list_that_is_wrong_is_refused(document: object, what: str) -> None:
    with pytest.raises(RefuseError) as caught:
        titles(document)
    assert caught.value.what.startswith(what)
    assert caught.value.facts["where"] == "prod/shop/l.yaml"
