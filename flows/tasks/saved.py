"""A block that people have saved under a name, or the error that says which one is missing."""

from __future__ import annotations

from typing import TypeVar

from prefect.blocks.core import Block

from blocks.errors import Refuse

Kind = TypeVar("Kind", bound=Block)


async def saved(kind: type[Kind], name: str, what: str, *, expected: str, untouched: str) -> Kind:
    """The block of a kind that is saved under a name.

    Args:
        kind: Its type.
        name: Its name.
        what: What is missing without it, as a sentence.
        expected: The block that would have been right.
        untouched: What was left as it was.

    Raises:
        Refuse: There is none.
    """
    try:
        return await kind.aload(name)
    except ValueError as error:
        raise Refuse(
            what,
            where=f"block {kind.get_block_type_slug()}/{name}",
            expected=expected,
            untouched=untouched,
            remedy="create it in the Prefect UI under Blocks, or with deployments.bootstrap",
        ) from error
