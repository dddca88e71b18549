"""A block that people have saved under a name, or the error that says which one is missing."""

from __future__ import annotations

import time
from typing import TypeVar, cast

from prefect.blocks.core import Block
from prefect.runtime import flow_run

from flows.runtime.run_link import root_run
from shipway.errors import RefuseError

# A run asks for the same few blocks at every step; what people mend meanwhile is seen by a retry.
KEPT_SECONDS = 10.0

AnyBlock = TypeVar("AnyBlock", bound=Block)

_kept: dict[tuple[str, type[Block], str], tuple[float, Block]] = {}


async def load_block(kind: type[AnyBlock], name: str = "default") -> AnyBlock:
    """The block of a kind that is saved under a name; a run has it read every ten seconds at most.

    Raises:
        RefuseError: There is none.
    """
    now = time.monotonic()
    for key, (at, _) in list(_kept.items()):
        if now - at > KEPT_SECONDS:
            del _kept[key]
    key = (root_run(), kind, name)
    if key in _kept:
        return cast("AnyBlock", _kept[key][1])
    block = await _load(kind, name)
    if flow_run.id is not None:
        _kept[key] = (now, block)
    return block


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
            remedy="create it in the Prefect UI under Blocks, or run "
            "`python -m deployments.bootstrap`",
        ) from error
