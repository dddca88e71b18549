"""A strategy and a router from outside of the package: one file and one line each."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.image_ref import ImageRef
from shipway.kubernetes.objects import KubeObject
from shipway.rollout.fields import changed_files
from shipway.rollout.target import Target, target_of
from shipway.strategies import STRATEGIES
from shipway.strategies.app_folder import AppFolder, field_of
from shipway.strategies.routers import ROUTERS
from shipway.strategies.routers.weights import Backends, Weights
from shipway.strategies.step import FieldRef, FieldValues, Ready, Step, edits_between
from shipway.strategies.strategy import StrategySettings
from tests.support import canary_folder
from tests.support.app_environments import SHOP


def target(**files: bytes) -> Target:
    """The canary's folder, before its first release, with other files in it."""
    snapshot = OpsFolder(commit="1" * 40, app_environment=SHOP, files=canary_folder.folder(**files))
    return target_of(snapshot)


class RecreateSettings(StrategySettings):
    """All pods go before new ones come."""

    pause_seconds: float = Field(default=5, ge=0)

    def bind(self, folder: AppFolder) -> Recreate:
        return Recreate(images=folder.images, pause_seconds=self.pause_seconds)


class Recreate(BaseModel):
    model_config = ConfigDict(frozen=True)

    images: tuple[FieldRef, ...]
    pause_seconds: float

    @property
    def fields(self) -> tuple[FieldRef, ...]:
        return self.images

    def serving_image(self, current: FieldValues) -> str:
        return str(current[self.images[0]])

    def plan(self, current: FieldValues, desired: str) -> list[Step]:
        changes = edits_between(current, dict.fromkeys(self.images, desired))
        ready = (Ready(image=desired),)
        pause = self.pause_seconds
        return [Step(name="1/1 recreate", edits=changes, ready=ready, pause_seconds=pause)]

    def rollback_plan(self, current: FieldValues, desired: str) -> list[Step]:
        return self.plan(current, desired)


FOLDER = """\
strategy: recreate
recreate: {pause_seconds: 2}
namespace: shop
images: [{file: web.yaml, container: web}]
"""
WEB = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec: {template: {spec: {containers: [{name: web, image: "shop:0"}]}}}
"""
IMAGE = ImageRef.parse(f"registry/shop@sha256:{'1' * 64}")


def test_a_strategy_is_one_file_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "recreate", RecreateSettings)
    snapshot = OpsFolder(
        commit="1" * 40,
        app_environment=SHOP,
        files={"rollout.yaml": FOLDER.encode(), "web.yaml": WEB},
    )
    recreated = target_of(snapshot)
    (step,) = recreated.plan(IMAGE)
    assert (step.name, step.pause_seconds) == ("1/1 recreate", 2)
    (content,) = changed_files(snapshot, step.edits, "v1").values()
    assert content == WEB.replace(b"shop:0", str(IMAGE).encode())


def test_a_strategys_keys_are_checked_as_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "recreate", RecreateSettings)
    with pytest.raises(RefuseError) as caught:
        read_rollout(FOLDER.replace("pause_seconds", "pause_secnds"))
    assert (
        caught.value.what == "Unknown key 'recreate.pause_secnds' (did you mean 'pause_seconds'?)."
    )
    assert caught.value.facts["where"] == "rollout.yaml:2"


def test_a_strategy_that_nobody_registered_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefuseError) as caught:
        read_rollout(FOLDER.replace("recreate: {pause_seconds: 2}\n", ""))
    assert caught.value.facts["expected"] == "one of rolling, blue-green, canary"


def split_by_annotation(
    name: str, folder: AppFolder, stable: KubeObject, canary: KubeObject
) -> Weights:
    """A router of a mesh that nobody has."""
    mesh = folder.object(f"HTTPRoute/{name}")
    backends = (field_of(mesh, f"/spec/rules/0/backendRefs/{number}/weight") for number in (0, 1))
    rule = Backends(**dict(zip(("stable", "canary"), backends, strict=True)))
    pods = (field_of(workload, "/spec/replicas") for workload in (stable, canary))
    return Weights(rules=(rule,), **dict(zip(("stable", "canary"), pods, strict=True)))


def test_a_router_is_one_file_and_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROUTERS, "mesh", split_by_annotation)
    released = {
        name.replace(".", "_"): content.replace(b"shop:unreleased", str(IMAGE).encode())
        for name, content in canary_folder.folder().items()
    }
    text = canary_folder.ROLLOUT.replace(b"{http_route: shop}", b"{mesh: shop}")
    route = canary_folder.ROUTE.replace(
        b"name: files, port: 80", b"name: files, weight: 1"
    ).replace(b"[{name: files, weight: 1}]", b"[{name: a, weight: 100}, {name: b, weight: 0}]")
    bound = target(**{**released, "rollout_yaml": text, "route_yaml": route})
    steps = bound.plan(ImageRef.parse(str(IMAGE).replace("1" * 64, "2" * 64)))
    weights = [
        edit.value for step in steps for edit in step.edits if edit.field.name.endswith("/1/weight")
    ]
    assert weights == [1, 10, 50, 0]


@pytest.mark.parametrize("router", ["{mesh: shop}", "{}", "{http_route: a, mesh: b}"])
def test_a_router_that_nobody_registered_is_refused_with_those_that_are(router: str) -> None:
    text = canary_folder.ROLLOUT.replace(b"{http_route: shop}", router.encode())
    with pytest.raises(RefuseError) as caught:
        target(rollout_yaml=text)
    assert caught.value.facts["expected"] == "exactly one of http_route"


@pytest.mark.parametrize(
    ("old", "new", "today"),
    [
        ("router: {http_route: shop}", "route: shop", "router.http_route"),
        ("pause_seconds: 30", "hold: 30", "pause_seconds"),
        ("strategy: canary", "strategy: canary\napproval_timeout: 9", "approval_timeout_seconds"),
        ("strategy: canary", "strategy: canary\nprogress_deadline: 9", "progress_deadline_seconds"),
    ],
)
def test_a_key_that_was_renamed_is_refused_with_its_name_today(
    old: str, new: str, today: str
) -> None:
    text = canary_folder.ROLLOUT.decode()
    assert old in text
    with pytest.raises(RefuseError, match=f"is called '{today}' today"):
        target(rollout_yaml=text.replace(old, new).encode())
