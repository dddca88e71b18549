"""What Argo CD puts in the place of Git's images: by files, by an Application, by its updater."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import target_of
from shipway.rollout.writers import check_only_source, check_only_writer
from tests.cases.edits import folder
from tests.support.agents import application, refs_of
from tests.support.written_images import OVERLAY, PLAIN, VALUES, deployment

IMAGE_LIST = "argocd-image-updater.argoproj.io/image-list"
KUSTOMIZED = folder(
    OVERLAY,
    "images:\n- name: acme/shop\n  newName: example.org/acme/shop\n  newTag: '1.2'\n",
    "kustomization.yaml",
)
RENDERED = folder(VALUES, "shop: {image: {repository: acme/shop, tag: '1.2'}}\n", "values.yaml")
PLAINLY = folder(PLAIN, deployment("example.org:5000/acme/shop:1.2"))

OURS: list[tuple[OpsFolder, dict[str, Any], str]] = [
    (KUSTOMIZED, {"kustomize": {"images": ["acme/shop:1.3"]}}, "kustomize.images: acme/shop:1.3"),
    (KUSTOMIZED, {"kustomize": {"images": ["acme/shop=b/shop:2"]}}, "acme/shop=b/shop:2"),
    (KUSTOMIZED, {"kustomize": {"images": ["example.org/acme/shop@sha256:1"]}}, "sha256:1"),
    (PLAINLY, {"kustomize": {"images": ["example.org:5000/acme/shop:2"]}}, "acme/shop:2"),
    (RENDERED, {"helm": {"parameters": [{"name": "shop.image.tag", "value": "2"}]}}, "image.tag"),
    (RENDERED, {"helm": {"parameters": [{"name": "shop.image", "value": "a"}]}}, "shop.image"),
    (RENDERED, {"helm": {"fileParameters": [{"name": "shop.image.tag"}]}}, "image.tag"),
    (RENDERED, {"helm": {"values": "shop: {image: {tag: '2'}}\n"}}, "values with shop.image"),
    (RENDERED, {"helm": {"valuesObject": {"shop": {"image": {"tag": "2"}}}}}, "shop.image"),
]
OTHERS: list[tuple[OpsFolder, dict[str, Any]]] = [
    (KUSTOMIZED, {"kustomize": {"images": ["acme/proxy:2"]}}),
    (KUSTOMIZED, {"kustomize": {"namePrefix": "a-"}}),
    (RENDERED, {"helm": {"parameters": [{"name": "shop.imagePullPolicy", "value": "Always"}]}}),
    (RENDERED, {"helm": {"values": "shop: {replicas: 2}\n"}}),
    (RENDERED, {"helm": {}}),
    (PLAINLY, {}),
]


def with_file(files: OpsFolder, source: dict[str, Any], name: str) -> OpsFolder:
    text = yaml.safe_dump(source).encode()
    return files.model_copy(update={"files": {**files.files, name: text}})


@pytest.mark.parametrize("name", [".argocd-source.yaml", ".argocd-source-production-shop.yaml"])
@pytest.mark.parametrize(("files", "source", "words"), OURS)
def test_a_file_of_parameters_for_our_image_is_refused(
    files: OpsFolder, source: dict[str, Any], words: str, name: str
) -> None:
    there = with_file(files, source, name)
    with pytest.raises(RefuseError) as refused:
        check_only_writer(there, target_of(there))
    assert refused.value.facts["where"] == f"prod/shop/{name}"
    assert words in str(refused.value.facts["got"])


@pytest.mark.parametrize(("files", "source"), OTHERS)
def test_one_for_something_else_is_none_of_ours(files: OpsFolder, source: dict[str, Any]) -> None:
    there = with_file(files, source, ".argocd-source-shop.yaml")
    check_only_writer(there, target_of(there))


def test_a_file_of_parameters_that_cannot_be_read_is_refused() -> None:
    there = with_file(KUSTOMIZED, {}, "other")
    there.files[".argocd-source.yaml"] = b"kustomize: ["
    with pytest.raises(RefuseError, match=r"Not valid YAML"):
        check_only_writer(there, target_of(there))


@pytest.mark.parametrize(("files", "source", "words"), OURS)
@pytest.mark.parametrize("several", [False, True])
def test_an_application_that_says_our_image_is_refused(
    files: OpsFolder, source: dict[str, Any], words: str, *, several: bool
) -> None:
    spec: dict[str, Any] = {"sources": [{}, source]} if several else {"source": source}
    with pytest.raises(RefuseError) as refused:
        check_only_source(refs_of(application(**spec)), target_of(files))
    assert refused.value.facts["where"] == "Application/shop in namespace argocd"
    assert words in str(refused.value.facts["got"])


@pytest.mark.parametrize(("files", "source"), OTHERS)
def test_an_application_that_says_something_else_is_not(
    files: OpsFolder, source: dict[str, Any]
) -> None:
    check_only_source(refs_of(application(source=source)), target_of(files))


@pytest.mark.parametrize(
    ("listed", "is_refused"),
    [
        ("shop=example.org/acme/shop:~1.2", True),
        ("proxy=acme/proxy, example.org/acme/shop", True),
        ("acme/shop:1.x", True),
        ("proxy=acme/proxy:1.x", False),
        ("", False),
    ],
)
def test_an_application_that_the_image_updater_updates_is_refused(
    listed: str, *, is_refused: bool
) -> None:
    annotated = application(metadata={"annotations": {IMAGE_LIST: listed}} if listed else None)
    if not is_refused:
        return check_only_source(refs_of(annotated), target_of(KUSTOMIZED))
    with pytest.raises(RefuseError, match=r"Argo CD Image Updater says as well"):
        check_only_source(refs_of(annotated), target_of(KUSTOMIZED))
    return None
