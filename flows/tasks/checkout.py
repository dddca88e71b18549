"""Code: the revision, its files and its pipeline.yaml."""

from __future__ import annotations

import asyncio
from pathlib import Path

from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.checkout import check_build_secrets, check_runners, keep_only, read_code
from shipway.code import Code


@external_task("checkout {app}")
async def checkout(app: str, revision: str | None, folder: Path) -> Code:
    """Check out a revision (the tip of the default branch if None) and read its pipeline.yaml."""
    source = await load_block(SourceRepository, app)
    resolved = await asyncio.to_thread(source.resolve, revision)
    root = await asyncio.to_thread(source.checkout, resolved, folder / "code")
    origin = f"{source.url} at {resolved.short}, folder {source.folder}"
    code = read_code(app, resolved, root, origin, source.folder)
    check_runners(code, allows_processes=source.allows_processes)
    check_build_secrets(code, source.build_secrets)
    if uses := code.pipeline.uses:
        await asyncio.to_thread(source.used, resolved, uses)
        await asyncio.to_thread(keep_only, folder / "code", [source.folder, *uses])
    return code
