from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from flows.steps import take_step
from flows.tasks.rollout import check_rendered
from shipway.errors import RefuseError
from shipway.git.ops_folder import OpsFolder
from shipway.release import Cause, Release
from shipway.rollout.target import Target, target_of
from shipway.strategies.step import Step
from tests.support import colours
from tests.support.memory_ops import revision
from tests.support.overlays import RENDER, folder_of
from tests.support.rolling_environment import image

WHOLE = b"resources: [blue.yaml, green.yaml, service.yaml]\n"
FOLDER = folder_of(
    {
        name: text.decode()
        for name, text in colours.folder(
            rollout_yaml=colours.ROLLOUT + RENDER.encode(), kustomization_yaml=WHOLE
        ).items()
    }
)


class Places:
    """The blocks: an ops repository, and a Kustomize that makes of whole files what they say.

    Attributes:
        exported: The folders that were read, each time.
        built: The files of each rendering.
        more: What is rendered beside.
    """

    def __init__(self) -> None:
        self.exported: list[list[str]] = []
        self.built: list[Mapping[str, bytes]] = []
        self.more = b""

    def fetch(self, _: object) -> OpsFolder:
        return FOLDER

    def export(self, commit: str, folders: Iterable[str]) -> dict[str, bytes]:
        assert commit == FOLDER.commit
        self.exported.append([*folders])
        return {f"{FOLDER.path}/{name}": content for name, content in FOLDER.files.items()}

    async def build(self, files: Mapping[str, bytes], folder: str) -> bytes:
        self.built.append(files)
        names = ("blue.yaml", "green.yaml", "service.yaml")
        return b"\n---\n".join([*(files[f"{folder}/{name}"] for name in names), self.more])


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    places = Places()

    async def load_block(*_: object) -> Any:
        return places

    monkeypatch.setattr(check_rendered, "load_block", load_block)
    monkeypatch.setattr(check_rendered, "render_steps", check_rendered.render_steps.fn)
    return places


async def test_an_overlay_is_read_once_and_rendered_for_each_step(places: Places) -> None:
    target = target_of(FOLDER)
    plan = target.plan(image(1))
    assert await check_rendered.check_rendered(target, plan, "abc")
    assert places.exported == [["prod/shop", "base/shop"]]
    before, after = places.built
    assert before["prod/shop/blue.yaml"] != after["prod/shop/blue.yaml"]


async def test_what_is_no_overlay_or_has_nothing_to_commit_is_not_rendered(places: Places) -> None:
    target = target_of(FOLDER)
    (step,) = target.plan(image(1))
    plain = target_of(FOLDER.model_copy(update={"files": colours.folder()}))
    done = step.model_copy(update={"edits": ()})
    assert not await check_rendered.check_rendered(plain, [step], "abc")
    assert not await check_rendered.check_rendered(target, [done], "abc")
    assert places.built == []


async def test_a_release_is_rendered_before_the_dry_run_and_a_way_back_is_not(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def ask_agent(_: Target, __: Step, *, way_back: bool) -> None:
        asked.append(f"agent, {way_back=}")

    async def dry_run(*_: object) -> bool:
        asked.append("dry run")
        return True

    monkeypatch.setattr(take_step, "ask_agent", ask_agent)
    monkeypatch.setattr(take_step, "dry_run", dry_run)
    places.more = (
        b"apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: shop}\n"
        b"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop-blue}}\n"
    )
    target = target_of(FOLDER)
    (step,) = target.plan(image(1))
    release = Release(revision=revision(1), image=image(1))
    with pytest.raises(RefuseError, match="HorizontalPodAutoscaler/shop scales"):
        await take_step.ask_what_refuses(target, step, release)
    assert asked == ["agent, way_back=False"]
    asked.clear()
    back = release.model_copy(update={"cause": Cause(rollback_from="0" * 40)})
    await take_step.ask_what_refuses(target, step, back)
    assert asked == ["agent, way_back=True", "dry run"]
