"""An overlay as its own folder says it."""

from __future__ import annotations

import re

import pytest

from shipway.errors import RefuseError
from shipway.rollout.fields import changed_files
from shipway.rollout.target import Target, target_of
from shipway.strategies.blue_green import BlueGreen
from shipway.strategies.canary import Canary
from shipway.strategies.routers.weights import Weights
from tests.support.overlays import BLUE_GREEN, CANARY, folder_of
from tests.support.pages import blocks
from tests.support.rolling_environment import image


def blue_green(**files: str) -> Target:
    """The blue/green overlay; `switch_yaml=...` puts another file in its place."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    return target_of(folder_of({**BLUE_GREEN, **named}))


def test_fields_stand_in_patches_and_in_the_kustomization() -> None:
    target = blue_green()
    assert {
        (at.file, at.kind, at.title, at.name): value for at, value in target.current.items()
    } == {
        ("kustomization.yaml", "kustomize", "Deployment/shop-blue", "shop-blue"): "shop",
        ("kustomization.yaml", "kustomize", "Deployment/shop-green", "shop-green"): "shop",
        ("switch.yaml", "field", "Service/shop", "/spec/selector/example.org~1colour"): "blue",
        ("kustomization.yaml", "replicas", "Deployment/shop-blue", "/spec/replicas"): 2,
        ("kustomization.yaml", "replicas", "Deployment/shop-green", "/spec/replicas"): 0,
    }
    named = {workload.title: target.images_in_git(workload) for workload in target.workloads}
    assert named == {
        "Deployment/shop-blue": {"web": "shop"},
        "Deployment/shop-green": {"web": "shop"},
    }
    assert target.images == ["shop", "shop"]


def test_the_overlay_that_people_are_shown_is_one() -> None:
    shown = [each for each in blocks("docs/rollouts.md") if each.section == "Overlays of Kustomize"]
    files = {re.findall(r"# (\w+\.yaml)", each.text)[0]: each.text for each in shown}
    files["green.yaml"] = files["blue.yaml"].replace("blue", "green")
    strategy = target_of(folder_of(files)).strategy
    assert isinstance(strategy, BlueGreen)
    assert [variant.name for variant in strategy.variants] == ["blue", "green"]
    assert {field.file for field in strategy.fields} == {"kustomization.yaml", "service.yaml"}


def test_the_fields_of_a_canary_stand_in_patches_and_in_a_route_of_the_folder() -> None:
    strategy = target_of(folder_of(CANARY)).strategy
    assert isinstance(strategy, Canary)
    assert isinstance(strategy.router, Weights)
    (rule,) = strategy.router.rules
    assert {field.file for field in strategy.fields} == {"stable.yaml", "canary.yaml", "route.yaml"}
    assert rule.canary.name == "/spec/rules/1/backendRefs/1/weight"


def kustomization(**colours: tuple[int, int]) -> bytes:
    """The kustomization with the number of an image, and of pods, for each colour."""
    text = BLUE_GREEN["kustomization.yaml"]
    for colour, (number, pods) in colours.items():
        digest, before = image(number).digest, 2 if colour == "blue" else 0
        text = text.replace(
            f"shop-{colour}, newName: shop, digest: ''",
            f"shop-{colour}, newName: registry.example.org/shop, digest: '{digest}'",
        ).replace(f"shop-{colour}, count: {before}", f"shop-{colour}, count: {pods}")
    return text.encode()


def test_a_step_changes_the_bytes_of_its_values_in_the_folder() -> None:
    folder, commits = folder_of(BLUE_GREEN), list[dict[str, bytes]]()
    for number in (1, 2):
        for step in target_of(folder).plan(image(number)):
            commits.append(changed_files(folder, step.edits, "abc"))
            folder = folder.with_changes(commits[-1])
    switched = BLUE_GREEN["switch.yaml"].replace("colour: blue", "colour: green")
    assert commits == [
        {"prod/shop/kustomization.yaml": kustomization(blue=(1, 2), green=(1, 0))},
        {"prod/shop/kustomization.yaml": kustomization(blue=(1, 2), green=(2, 2))},
        {"prod/shop/switch.yaml": switched.encode()},
        {"prod/shop/kustomization.yaml": kustomization(blue=(1, 0), green=(2, 2))},
    ]


LABELS = "    metadata: {labels: {example.org/colour: green}}\n"


@pytest.mark.parametrize(
    ("files", "what", "got"),
    [
        (
            {
                "kustomization_yaml": BLUE_GREEN["kustomization.yaml"].replace(
                    "- path: blue.yaml", ""
                )
            },
            "There is no Deployment/shop-blue.",
            "Deployment/shop-green",
        ),
        (
            {
                "kustomization_yaml": BLUE_GREEN["kustomization.yaml"].replace(
                    "path: switch.yaml", "{path: switch.yaml, target: {kind: Service}}"
                )
            },
            "There is no Service/shop.",
            "no Service",
        ),
        (
            {"switch_yaml": BLUE_GREEN["blue.yaml"] + "---\n" + BLUE_GREEN["switch.yaml"]},
            "Deployment/shop-blue stands in the folder twice.",
            "blue.yaml, switch.yaml",
        ),
        (
            {"green_yaml": BLUE_GREEN["green.yaml"].replace(LABELS, "")},
            "The selector of Service/shop does not tell the two Deployments apart.",
            "example.org/colour",
        ),
        (
            {"green_yaml": BLUE_GREEN["green.yaml"].replace("image: shop-green", "image: shop")},
            "The release sets no image of Deployment/shop-green.",
            "kustomization.yaml",
        ),
    ],
)
def test_what_the_folder_does_not_say_is_refused(
    files: dict[str, str], what: str, got: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        blue_green(**files)
    assert caught.value.what == what
    assert caught.value.facts["got"] == got
    assert caught.value.facts["where"] == "prod/shop/rollout.yaml: blue_green"
    assert "an overlay's own folder has to say" in str(caught.value.facts["remedy"])


def test_one_image_of_both_colours_is_refused() -> None:
    green = BLUE_GREEN["green.yaml"].replace("image: shop-green", "image: 'shop-blue:1'")
    with pytest.raises(RefuseError, match="sets the images of several objects") as caught:
        blue_green(green_yaml=green)
    assert caught.value.facts["where"] == "prod/shop/kustomization.yaml"
    assert caught.value.facts["got"] == "Deployment/shop-blue, Deployment/shop-green"
