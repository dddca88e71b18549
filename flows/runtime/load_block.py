"""A block that people have saved under a name, or the error that says which one is missing."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block

from shipway.errors import RefuseError

AnyBlock = TypeVar("AnyBlock", bound=Block)


async def load_block(kind: type[AnyBlock], name: str = "default") -> AnyBlock:
    """The block of a kind that is saved under a name.

    Raises:
        RefuseError: There is none.
    """
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
