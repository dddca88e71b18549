from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.manifests import count_at, set_count
from shipway.manifests.overlay import read_overlay

PATCH = b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\n"
FILE = "prod/shop/kustomization.yaml"


def manifests(text: str, **files: bytes) -> tuple[str, ...]:
    """The files that a kustomization takes; `a_yaml=...` is a further file of the folder."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    content = {"kustomization.yaml": text.encode(), "a.yaml": PATCH, "b.yaml": PATCH, **named}
    return read_overlay(content, "prod/shop").manifests


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("resources: [a.yaml, ./b.yaml]\n", ("a.yaml", "b.yaml")),
        ("resources: [../../base, https://example.org/c.yaml, ../b.yaml]\n", ()),
        ("patches: [{path: a.yaml}]\npatchesStrategicMerge: [b.yaml]\n", ("b.yaml", "a.yaml")),
        ("resources: [a.yaml]\npatches: [{path: a.yaml}]\n", ("a.yaml",)),
        ("patches: [{patch: 'kind: Deployment'}]\n", ()),
        ("configMapGenerator: [{name: c, files: [a.yaml]}]\n", ()),
        ("", ()),
    ],
)
def test_whole_objects_and_patches_of_the_folder_are_taken(
    text: str, found: tuple[str, ...]
) -> None:
    assert manifests(text) == found


@pytest.mark.parametrize(
    ("target", "is_taken"),
    [
        ("{kind: Deployment, name: shop}", True),
        ("{group: apps, version: v1, kind: Deployment, name: shop}", True),
        ("{kind: Deployment}", False),
        ("{kind: Deployment, name: shop.*}", False),
        ("{kind: StatefulSet, name: shop}", False),
        ("{kind: Deployment, name: shop, namespace: other}", False),
        ("{kind: Deployment, name: shop, labelSelector: a=b}", False),
    ],
)
def test_a_patch_with_a_target_is_taken_where_it_is_for_the_object_that_it_names(
    target: str, *, is_taken: bool
) -> None:
    assert bool(manifests(f"patches: [{{path: a.yaml, target: {target}}}]\n")) is is_taken


def test_a_list_of_json_operations_says_nothing_of_an_object() -> None:
    text = "patches: [{path: a.yaml, target: {kind: Deployment, name: shop}}]\n"
    operations = b"[{op: replace, path: /spec/replicas, value: 2}]\n"
    assert manifests(text, a_yaml=operations) == ()


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_each_name_of_a_kustomization_is_known(name: str) -> None:
    overlay = read_overlay({name: b"replicas: [{name: shop, count: 2}, {name: db}]\n"}, "prod/shop")
    assert (overlay.file, overlay.counted) == (name, ("shop", "db"))


def test_a_folder_without_a_kustomization_is_refused() -> None:
    with pytest.raises(RefuseError, match=r"There is no kustomization.yaml") as caught:
        read_overlay({"a.yaml": PATCH}, "prod/shop")
    assert (caught.value.facts["where"], caught.value.facts["got"]) == ("prod/shop", "a.yaml")


def test_a_number_of_pods_is_set_by_its_bytes_alone() -> None:
    text = b"replicas:\n- name: shop\n  count:   2  # on Mondays\n- {name: db, count: 1}\n"
    assert count_at(text, "shop", FILE) == 2
    assert set_count(text, "shop", 0, FILE) == text.replace(b"  2 ", b"  0 ")
    assert set_count(text, "shop", 2, FILE) == text


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"replicas: []\n", "No single entry 'shop' in 'replicas'"),
        (b"replicas: [{name: shop, count: 1}, {name: shop, count: 2}]\n", "No single entry 'shop'"),
        (b"replicas: [{name: shop}]\n", "No number of pods of shop"),
        (b"replicas: [{name: shop, count: many}]\n", "No number of pods of shop"),
    ],
)
def test_what_is_no_single_number_of_pods_is_refused(text: bytes, what: str) -> None:
    with pytest.raises(RefuseError, match=what):
        count_at(text, "shop", FILE)
