"""What is registered shows in the Prefect UI: forms offer it, and each app has its night."""

from __future__ import annotations

from collections.abc import Iterable

from prefect import get_client
from prefect.blocks.core import Block

from blocks.source_repository import SourceRepository
from flows.runtime.form_choices import renew_choices
from flows.runtime.nights import keep_nights


async def follow_registered(environments: Iterable[str]) -> None:
    """Renew the choices of the forms, and the schedules of the nights.

    Args:
        environments: The environments that the ops repository has.
    """
    apps = await registered(SourceRepository)
    await renew_choices({"app": apps, "environment": sorted(set(environments))})
    await keep_nights(apps)


async def registered(kind: type[Block]) -> list[str]:
    """The names of the blocks of a kind, sorted."""
    async with get_client() as client:
        blocks = await client.read_block_documents_by_type(
            kind.get_block_type_slug(), include_secrets=False
        )
    return sorted(block.name for block in blocks if block.name)
