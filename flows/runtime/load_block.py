"""A block that people have saved under a name, or the error that says which one is missing."""

from __future__ import annotations

import asyncio
import time
from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.runtime import flow_run

from flows.runtime.run_link import root_run
from shipway import commands
from shipway.errors import RefuseError, RetryError
from shipway.server_away import is_away

# A run asks for the same few blocks at every step; what people mend meanwhile is seen by a retry.
KEPT_SECONDS = 10.0

AnyBlock = TypeVar("AnyBlock", bound=Block)

_Key = tuple[asyncio.AbstractEventLoop, str, type[Block], str]

_kept: dict[_Key, tuple[float, asyncio.Task[Block]]] = {}


async def load_block(kind: type[AnyBlock], name: str = "default") -> AnyBlock:
    """The block of a kind that is saved under a name; a run has it read every ten seconds at most.

    Several who ask at once wait for one answer.

    Raises:
        RefuseError: There is none.
        RetryError: The Prefect server does not answer.
    """
    now = time.monotonic()
    for key, (at, _) in list(_kept.items()):
        if now - at > KEPT_SECONDS:
            del _kept[key]
    if flow_run.id is None:
        return await _load(kind, name)
    key = (asyncio.get_running_loop(), root_run(), kind, name)
    if key not in _kept:
        loading = asyncio.create_task(_load(kind, name))
        loading.add_done_callback(lambda task: None if _is_good(task) else _kept.pop(key, None))
        _kept[key] = (now, loading)
    # One who is cancelled takes it from nobody else.
    return cast("AnyBlock", await asyncio.shield(_kept[key][1]))


async def load_ahead(*kinds: type[Block]) -> None:
    """Have blocks read beside other work; whoever needs one then says what is wrong with it."""
    await asyncio.gather(*map(load_block, kinds), return_exceptions=True)


def _is_good(task: asyncio.Task[Block]) -> bool:
    return not task.cancelled() and task.exception() is None


async def _load(kind: type[AnyBlock], name: str) -> AnyBlock:
    try:
        return await kind.aload(name)
    except ValueError as error:
        raise RefuseError(
            f"There is no {kind.get_block_type_name()} block {name!r}.",
            where=f"block {kind.get_block_type_slug()}/{name}",
            expected=kind.get_description(),
            got="no such block",
            untouched="what the block leads to",
            remedy=commands.make_block(kind.get_block_type_slug(), name),
        ) from error
    except Exception as error:
        if not is_away(error):
            raise
        raise RetryError(
            "The Prefect server does not answer.",
            where=f"block {kind.get_block_type_slug()}/{name}",
            got=str(error).partition("\n")[0],
            untouched="what the block leads to",
        ) from error
