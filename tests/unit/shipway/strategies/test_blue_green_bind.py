from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.target import Target, target_of
from shipway.strategies.blue_green import BlueGreen
from tests.support.app_environments import SHOP
from tests.support.colours import ROLLOUT, SERVICE, deployment, folder


def target(**files: bytes) -> Target:
    return target_of(OpsFolder(app_environment=SHOP, commit="0" * 40, files=folder(**files)))


def test_the_selectors_label_that_tells_the_colours_apart_is_the_switch() -> None:
    strategy = target().strategy
    assert isinstance(strategy, BlueGreen)
    assert strategy.selector.title == "Service/shop"
    assert strategy.selector.name == "/spec/selector/example.org~1colour"
    assert [variant.name for variant in strategy.variants] == ["blue", "green"]
    assert [variant.workload for variant in strategy.variants] == [
        "Deployment/shop-blue",
        "Deployment/shop-green",
    ]
    assert strategy.scale_down_delay_seconds == 60


def test_what_git_says_is_read_from_every_field() -> None:
    current = target().current
    assert {(field.file, field.name): value for field, value in current.items()} == {
        ("blue.yaml", "web"): "shop:unreleased",
        ("green.yaml", "web"): "shop:unreleased",
        ("service.yaml", "/spec/selector/example.org~1colour"): "blue",
        ("blue.yaml", "/spec/replicas"): 2,
        ("green.yaml", "/spec/replicas"): 0,
    }


@pytest.mark.parametrize(
    ("files", "what", "got"),
    [
        (
            {"rollout_yaml": ROLLOUT.replace(b"service: shop", b"service: web")},
            "There is no Service/web.",
            "Service/shop",
        ),
        (
            {"rollout_yaml": ROLLOUT.replace(b"green: shop-green", b"green: shop-red")},
            "There is no Deployment/shop-red.",
            "Deployment/shop-blue, Deployment/shop-green",
        ),
        ({"service_yaml": b""}, "There is no Service/shop.", "no Service"),
        (
            {"rollout_yaml": ROLLOUT.replace(b"- {file: green.yaml, container: web}\n", b"")},
            "The release sets no image of Deployment/shop-green.",
            "blue.yaml",
        ),
        (
            {"service_yaml": SERVICE.replace(b", example.org/colour: blue", b"")},
            "The selector of Service/shop does not tell the two Deployments apart.",
            "no such label",
        ),
        (
            {"service_yaml": SERVICE.replace(b"colour: blue", b"colour: red")},
            "Service/shop selects neither of the two Deployments.",
            "example.org/colour: red",
        ),
    ],
)
def test_a_folder_that_the_strategy_cannot_work_on_is_refused(
    files: dict[str, bytes], what: str, got: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        target(**files)
    assert caught.value.what == what
    assert caught.value.facts["got"] == got
    assert caught.value.facts["where"] == "prod/shop/rollout.yaml: blue_green"


def test_a_number_of_pods_that_is_missing_is_kubernetes_default() -> None:
    without = deployment("green", 0).replace(b"  replicas: 0\n", b"")
    current = target(green_yaml=without).current
    (green,) = (value for field, value in current.items() if field.title == "Deployment/shop-green")
    assert green == 1


def test_replicas_that_no_release_could_set_are_refused_by_their_field() -> None:
    wrong = deployment("green", 0).replace(b"  replicas: 0\n", b"  replicas:\n")
    with pytest.raises(RefuseError, match="There is no value to replace") as caught:
        target(green_yaml=wrong)
    assert caught.value.facts["where"] == "prod/shop/green.yaml:5"
