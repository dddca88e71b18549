"""A rollout.yaml for manifests that others have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.app_environment import AppEnvironment
from shipway.config.rollout import Rollout, read_rollout
from shipway.errors import RefuseError
from shipway.init.rollout_file import rollout_file
from tests.support.trees import write_tree

SHOP = AppEnvironment(app="shop", environment="production")
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shops}\n"


def workload(name: str, *containers: str, namespace: str = "shops") -> str:
    pods = ", ".join(
        f"{{name: {each.split('=')[0]}, image: {each.split('=')[1]}}}" for each in containers
    )
    return (
        "apiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\n"
        f"spec: {{template: {{spec: {{containers: [{pods}]}}}}}}\n"
    )


def written(root: Path, tree: dict[str, str]) -> Rollout:
    write_tree(root, tree)
    file = rollout_file(SHOP, root)
    assert file.path == "production/shop/rollout.yaml"
    return read_rollout(file.text)


@pytest.mark.parametrize(
    ("text", "container", "named"),
    [
        (workload("web", "web=acme/other:1"), "web", None),
        (workload("web", "shop=acme/a:1", "proxy=acme/b:1"), "shop", None),
        (workload("web", "web=ghcr.io/acme/shop:1", "proxy=acme/b:1"), "web", None),
        (
            workload("web", "shop=a:1") + "---\n" + workload("job", "main=b:1"),
            "shop",
            None,
        ),
    ],
)
def test_the_apps_image_is_the_only_one_or_that_of_its_name(
    tmp_path: Path, text: str, container: str, named: str | None
) -> None:
    (image,) = written(tmp_path, {"production/shop/all.yaml": text}).images
    assert (image.file, image.container, image.object) == ("all.yaml", container, named)


def test_whoever_applies_the_folder_goes_on(tmp_path: Path) -> None:
    found = written(tmp_path, {"production/shop/all.yaml": workload("web", "shop=a:1")})
    assert (found.strategy, found.agent, found.namespace) == ("rolling", "external", "shops")


def test_the_namespace_may_be_an_object_of_its_own(tmp_path: Path) -> None:
    text = workload("web", "shop=a:1").replace(", namespace: shops", "")
    tree = {"production/shop/all.yaml": text, "production/shop/namespace.yaml": NAMESPACE}
    assert written(tmp_path, tree).namespace == "shops"


def test_an_overlay_is_rendered_with_all_that_it_is_made_of(tmp_path: Path) -> None:
    tree = {
        "production/shop/kustomization.yaml": (
            "namespace: shops\nresources: [../../base/shop, own.yaml, more]\n"
            "images: [{name: shop, newName: acme/it}, {name: proxy}]\n"
        ),
        "production/shop/own.yaml": workload("own", "other=c:1"),
        "production/shop/more/kustomization.yaml": "resources: []\n",
        "base/shop/kustomization.yaml": (
            "resources: [../../lib/a.yaml, ../../../elsewhere, https://example.org/b]\n"
        ),
        "lib/a.yaml": workload("web", "shop=shop"),
    }
    found = written(tmp_path, tree)
    assert [(image.file, image.kustomize) for image in found.images] == [
        ("kustomization.yaml", "shop")
    ]
    assert found.render is not None
    assert found.render.kustomize is not None
    assert found.render.kustomize.include == ["base/shop", "lib"]


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"all.yaml": workload("a", "x=a:1", "y=b:1")}, "file: all.yaml, container: y"),
        (
            {"all.yaml": workload("a", "shop=a:1") + "---\n" + workload("b", "shop=b:1")},
            "container: shop, object: Deployment/b",
        ),
        ({"values.yaml": "image: {repository: shop, tag: 1}\n"}, "no image in a manifest"),
        ({"all.yaml": workload("a", "shop=a:1").replace(", namespace: shops", "")}, "none"),
        ({"all.yaml": workload("a", "shop=a:1"), "b.yaml": NAMESPACE.replace("s}", "s-2}")}, "-2"),
        ({"all.yaml": "kind: ["}, "did not find"),
    ],
)
def test_what_the_manifests_do_not_tell_is_asked_for(
    tmp_path: Path, tree: dict[str, str], words: str
) -> None:
    write_tree(tmp_path, {f"production/shop/{name}": text for name, text in tree.items()})
    with pytest.raises(RefuseError) as refused:
        rollout_file(SHOP, tmp_path)
    assert words in str(refused.value)
