from __future__ import annotations

from typing import Any

import pytest
from prefect.blocks.core import Block

from blocks.container_runner import ContainerRunner
from blocks.pod_runner import PodRunner
from flows.runtime.open_runner import open_runner, runners_with_settings
from shipway.errors import RefuseError
from shipway.runners import container, pod, process
from shipway.runners.registry import RUNNERS


@pytest.fixture
def saved(monkeypatch: pytest.MonkeyPatch) -> dict[type[Block], Block]:
    """The blocks that are saved as `default`, by their type."""
    blocks: dict[type[Block], Block] = {}

    async def load(kind: type[Block], name: str, **_: Any) -> Block:
        if name != "default" or kind not in blocks:
            raise ValueError(f"unable to find block document named {name}")
        return blocks[kind]

    for kind in (ContainerRunner, PodRunner):
        monkeypatch.setattr(kind, "aload", classmethod(load))
    return blocks


async def test_a_runner_has_the_settings_of_its_block(saved: dict[type[Block], Block]) -> None:
    saved[ContainerRunner] = ContainerRunner(slots=3)
    saved[PodRunner] = PodRunner(work_pool="tests", slots=5)
    runners = {name: await open_runner(name) for name in RUNNERS}
    assert isinstance(runners["container"], container.ContainerRunner)
    assert isinstance(runners["pod"], pod.PodRunner)
    assert isinstance(runners["process"], process.ProcessRunner)
    assert (await runners["container"].slots(), await runners["pod"].slots()) == (3, 5)


async def test_a_runner_whose_settings_nobody_saved_is_refused(
    saved: dict[type[Block], Block],
) -> None:
    with pytest.raises(RefuseError) as caught:
        await open_runner("pod")
    assert caught.value.what == "There is no Pod Runner block 'default'."
    assert caught.value.facts["where"] == "block pod-runner/default"


async def test_clean_up_leaves_out_what_nobody_has_settings_for(
    saved: dict[type[Block], Block],
) -> None:
    saved[ContainerRunner] = ContainerRunner()
    kinds = {type(runner) for runner in await runners_with_settings()}
    assert kinds == {container.ContainerRunner, process.ProcessRunner}
    saved.clear()
    assert [type(runner) for runner in await runners_with_settings()] == [process.ProcessRunner]


@pytest.mark.parametrize("name", RUNNERS)
def test_what_a_runner_says_of_its_block_is_so(name: str) -> None:
    slug = RUNNERS[name].block
    slugs = {kind.get_block_type_slug() for kind in (ContainerRunner, PodRunner)}
    assert slug is None or slug in slugs
