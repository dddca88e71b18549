from __future__ import annotations

import pytest

from shipway.errors import RefuseError
from shipway.kubernetes.objects import read_objects
from shipway.strategies.app_folder import AppFolder, escaped, field_of, pod_labels, selects
from shipway.strategies.step import FieldRef
from tests.support.canary_folder import folder

FILES = folder()
WEB = FieldRef(file="stable.yaml", name="web")
FOLDER = AppFolder(
    path="prod/shop",
    section="canary",
    images=(WEB,),
    objects=tuple(read_objects(FILES, "prod/shop")),
)


def test_a_deployment_with_its_images_and_replicas_is_a_variant() -> None:
    deployment = FOLDER.object("Deployment/shop")
    variant = FOLDER.variant("stable", deployment)
    assert (variant.name, variant.workload, variant.images) == ("stable", "Deployment/shop", (WEB,))
    assert variant.replicas == field_of(deployment, "/spec/replicas")
    assert (variant.replicas.file, variant.replicas.title) == ("stable.yaml", "Deployment/shop")


@pytest.mark.parametrize(
    ("title", "got"),
    [
        ("Deployment/web", "Deployment/shop, Deployment/shop-canary"),
        ("StatefulSet/shop", "no StatefulSet"),
    ],
)
def test_an_object_that_is_not_there_is_refused_with_those_of_its_kind(
    title: str, got: str
) -> None:
    with pytest.raises(RefuseError, match=f"There is no {title}") as caught:
        FOLDER.object(title)
    assert sorted(str(caught.value.facts["got"]).split(", ")) == sorted(got.split(", "))
    assert caught.value.facts["where"] == "prod/shop/rollout.yaml: canary"


def test_a_deployment_that_the_release_sets_no_image_of_is_refused() -> None:
    with pytest.raises(RefuseError, match="sets no image of Deployment/shop-canary") as caught:
        FOLDER.variant("canary", FOLDER.object("Deployment/shop-canary"))
    assert caught.value.facts["got"] == "stable.yaml"


@pytest.mark.parametrize(
    ("service", "selected"),
    [("shop-stable", [True, False]), ("shop-canary", [False, True]), ("shop", [True, True])],
)
def test_a_service_selects_the_pods_that_have_all_of_its_labels(
    service: str, selected: list[bool]
) -> None:
    deployments = [FOLDER.object(f"Deployment/{name}") for name in ("shop", "shop-canary")]
    chosen = FOLDER.object(f"Service/{service}")
    assert [selects(chosen, deployment) for deployment in deployments] == selected
    without = chosen.model_copy(update={"body": {"spec": {}}})
    assert not selects(without, deployments[0])
    assert pod_labels(deployments[0]) == {"app": "shop", "track": "stable"}


def test_a_key_is_escaped_in_a_pointer() -> None:
    assert escaped("example.org/a~b") == "example.org~1a~0b"
