"""Runners, with the settings that people have saved for them."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from prefect.blocks.core import Block

from flows.runtime.load_block import load_block
from shipway.errors import RefuseError
from shipway.runners.registry import RUNNERS
from shipway.runners.runner import Runner


class RunnerBlock(Protocol):
    """A Prefect block that holds a runner's settings."""

    def open(self) -> Runner:
        """The runner with these settings."""
        ...


async def open_runner(name: str) -> Runner:
    """The runner of a name in the registry, with the settings of its block `default`.

    Raises:
        RefuseError: It has settings, and nobody has saved them.
    """
    runner = RUNNERS[name]
    if runner.block is None:
        return runner()
    block = await load_block(_block_type(runner.block))
    return cast("RunnerBlock", block).open()


async def runners_with_settings() -> list[Runner]:
    """Every runner that can be opened: a team saves no settings for one that it does not use."""
    runners: list[Runner] = []
    for name in RUNNERS:
        with suppress(RefuseError):
            runners.append(await open_runner(name))
    return runners


def _block_type(slug: str) -> type[Block]:
    """The block type of a slug: of ours, a file bears its name; others came with their runner."""
    module = f"blocks.{slug.replace('-', '_')}"
    if find_spec(module) is not None:
        import_module(module)
    return Block.get_block_class_from_key(slug)
