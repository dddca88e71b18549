"""What a release makes of an overlay, proved; Kustomize is one that a test makes go wrong.

tests/integration/test_rendered_steps.py asks the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.rollout.render import Manifests
from shipway.rollout.rendered_steps import check_rendered_steps
from shipway.rollout.target import target_of
from tests.support import colours
from tests.support.overlays import RENDER, folder_of
from tests.support.rolling_environment import image

FILES = {
    name: content.decode()
    for name, content in colours.folder(
        rollout_yaml=colours.ROLLOUT + RENDER.encode(),
        kustomization_yaml=b"resources: [blue.yaml, green.yaml, service.yaml]\n",
    ).items()
}
AUTOSCALER = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop-green}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-green}
  maxReplicas: 9
"""
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {key: value}\n"

Spoil = Callable[[dict[str, KubeObject], int], None]


async def check(spoil: Spoil, files: Mapping[str, str] = FILES) -> int:
    """Prove the steps of a second release where something goes wrong; return what was rendered.

    Args:
        spoil: Told what is rendered, by kind and name, and how often it was rendered before.
        files: The folder before its first release.
    """
    folder, times = folder_of(files), 0
    (first,) = target_of(folder).plan(image(1))
    folder = folder.with_changes(
        {
            f"prod/shop/{edit.field.file}": folder.files[edit.field.file].replace(
                b"shop:unreleased", str(image(1)).encode()
            )
            for edit in first.edits
            if edit.field.is_image
        }
    )

    async def render(changes: Mapping[str, bytes]) -> Manifests:
        nonlocal times
        objects = read_objects(folder.with_changes(changes).files, "prod/shop")
        rendered = {each.title: each for each in objects}
        spoil(rendered, times)
        times += 1
        return Manifests(objects=tuple(rendered.values()), fingerprint="")

    steps = target_of(folder).plan(image(2))
    await check_rendered_steps(render, folder, steps, "abc")
    return times


def nothing(_rendered: dict[str, KubeObject], _times: int) -> None:
    """Nothing goes wrong."""


async def refusal(spoil: Spoil) -> RefuseError:
    with pytest.raises(RefuseError) as caught:
        await check(spoil)
    assert caught.value.facts["untouched"] == "the ops repository and the cluster"
    return caught.value


async def test_the_folder_is_rendered_as_it_is_and_once_for_each_step() -> None:
    assert await check(nothing) == 4


async def test_steps_that_change_nothing_are_not_rendered() -> None:
    folder, times = folder_of(FILES), 0
    (step,) = target_of(folder).plan(image(1))

    async def render(_: Mapping[str, bytes]) -> Manifests:
        nonlocal times
        times += 1
        objects = read_objects(folder.files, "prod/shop")
        return Manifests(objects=tuple(objects), fingerprint="")

    await check_rendered_steps(render, folder, [step.model_copy(update={"edits": ()})], "abc")
    assert times == 1


async def test_what_is_rendered_under_another_name_is_refused() -> None:
    def prefix(rendered: dict[str, KubeObject], _: int) -> None:
        for title, each in rendered.items():
            rendered[title] = each.model_copy(update={"name": f"eu-{each.name}"})

    error = await refusal(prefix)
    assert error.what == "Kustomize makes no Deployment/shop-blue of the folder."
    assert error.facts["where"] == "prod/shop/blue.yaml"
    assert error.facts["expected"] == "Deployment/shop-blue in namespace shop"
    assert error.facts["got"] == (
        "Deployment/eu-shop-blue in namespace shop, Deployment/eu-shop-green in namespace shop"
    )
    assert "without namePrefix" in str(error.facts["remedy"])


async def test_what_is_rendered_into_another_namespace_is_refused() -> None:
    def move(rendered: dict[str, KubeObject], _: int) -> None:
        service = rendered["Service/shop"]
        rendered["Service/shop"] = service.model_copy(update={"namespace": "web"})

    error = await refusal(move)
    assert error.what == "Kustomize makes no Service/shop of the folder."
    assert error.facts["got"] == "Service/shop in namespace web"


async def test_an_autoscaler_that_the_folder_does_not_have_is_refused() -> None:
    def add(rendered: dict[str, KubeObject], _: int) -> None:
        (scaler,) = read_objects({"base.yaml": AUTOSCALER.encode()}, "base/shop")
        rendered[scaler.title] = scaler

    error = await refusal(add)
    assert "HorizontalPodAutoscaler/shop-green scales Deployment/shop-green" in error.what
    assert error.facts["where"] == "prod/shop/green.yaml"
    resources = "resources: [blue.yaml, green.yaml, service.yaml, scaler.yaml]\n"
    with_it = {**FILES, "kustomization.yaml": resources, "scaler.yaml": AUTOSCALER}
    assert await check(nothing, with_it) == 4


async def test_labels_that_are_rendered_in_another_way_are_refused() -> None:
    def relabel(rendered: dict[str, KubeObject], _: int) -> None:
        labels = rendered["Deployment/shop-green"].body["spec"]["template"]["metadata"]["labels"]
        labels["example.org/colour"] = "red"

    error = await refusal(relabel)
    assert "something else of what the strategy reads" in error.what
    assert error.facts["where"] == "prod/shop/rollout.yaml: blue_green"
    assert error.facts["got"] == "variants.1.name is red, the folder says green"


async def test_a_number_that_is_rendered_from_elsewhere_is_refused() -> None:
    def scale(rendered: dict[str, KubeObject], _: int) -> None:
        rendered["Deployment/shop-blue"].body["spec"]["replicas"] = 5

    error = await refusal(scale)
    assert error.what == "Kustomize gives Deployment/shop-blue another value than the folder has."
    assert (error.facts["expected"], error.facts["got"]) == ("/spec/replicas 2", "5")


async def test_an_image_that_is_rendered_from_elsewhere_is_refused() -> None:
    def pull(rendered: dict[str, KubeObject], _: int) -> None:
        (web,) = rendered["Deployment/shop-blue"].body["spec"]["template"]["spec"]["containers"]
        web["image"] = str(image(9))

    error = await refusal(pull)
    assert error.facts["expected"] == f"/spec/template/spec/containers/0/image {image(1)}"
    assert error.facts["got"] == str(image(9))


async def test_a_tag_beside_the_digest_is_no_other_image() -> None:
    def tag(rendered: dict[str, KubeObject], times: int) -> None:
        for title in ("Deployment/shop-blue", "Deployment/shop-green"):
            (web,) = rendered[title].body["spec"]["template"]["spec"]["containers"]
            web["image"] = web["image"].replace("@", f":{times}@")

    error = await refusal(tag)
    # The step means the image of green, and that of blue stays as it is, with its tag.
    assert "Deployment/shop-blue" in str(error.facts["got"])
    assert "Deployment/shop-green" not in str(error.facts["got"])


async def test_a_step_that_changes_nothing_that_is_rendered_is_refused() -> None:
    def keep(rendered: dict[str, KubeObject], _: int) -> None:
        rendered["Service/shop"].body["spec"]["selector"]["example.org/colour"] = "blue"

    error = await refusal(keep)
    assert error.what == (
        "The step '2/3 switch to green' would not change what Kustomize makes as it means to."
    )
    assert error.facts["where"] == "prod/shop/service.yaml"
    assert error.facts["expected"] == (
        "Service/shop /spec/selector/example.org~1colour green\nand nothing else"
    )
    assert error.facts["got"] == (
        'Service/shop: spec.selector.example.org/colour is "blue", not "green"'
    )


@pytest.mark.parametrize(
    ("at", "got"), [(0, "ConfigMap/other is rendered no more"), (2, "ConfigMap/other is new")]
)
async def test_a_step_that_changes_something_else_is_refused(at: int, got: str) -> None:
    def other(rendered: dict[str, KubeObject], times: int) -> None:
        (config,) = read_objects({"other.yaml": OTHER.encode()}, "base/shop")
        if times == at:
            rendered[config.title] = config

    assert (await refusal(other)).facts["got"] == got


async def test_an_image_that_is_rendered_nowhere_is_refused() -> None:
    def drop(rendered: dict[str, KubeObject], _: int) -> None:
        del rendered["Deployment/shop-blue"].body["spec"]["template"]["spec"]["containers"]

    error = await refusal(drop)
    assert error.what == "Kustomize makes nothing of a value that the release sets."
    assert error.facts["where"] == "prod/shop/blue.yaml"
