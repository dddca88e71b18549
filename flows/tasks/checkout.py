"""Code: the revision, its files and its pipeline.yaml."""

from __future__ import annotations

import asyncio
from pathlib import Path

from blocks.source_repository import SourceRepository
from flows.runtime.external_task import external_task
from flows.runtime.load_block import load_block
from shipway.code import Code
from shipway.config.pipeline import Pipeline, read_pipeline
from shipway.errors import RefuseError


@external_task("checkout {app}")
async def checkout(app: str, revision: str | None, folder: Path) -> Code:
    """Check out a revision (the tip of the default branch if None) and read its pipeline.yaml."""
    source = await load_block(SourceRepository, app)
    found = await asyncio.to_thread(source.resolve, revision)
    root = await asyncio.to_thread(source.checkout, found, folder / "code")
    file = root / "pipeline.yaml"
    # A link could lead to a file of the worker's, whose text an error would show.
    if not file.is_file() or file.is_symlink():
        raise RefuseError(
            "There is no pipeline.yaml.",
            where=f"{source.url} at {found.short}, folder {source.folder}",
            expected="a pipeline.yaml beside the app's code",
            untouched="everything: nothing was built, pushed or committed",
            remedy="add one; the README shows the shortest",
        )
    pipeline = read_pipeline(file.read_text("utf-8"), f"pipeline.yaml@{found.short}")
    if pipeline.app != app:
        raise RefuseError(
            "The pipeline.yaml is another app's.",
            where=f"pipeline.yaml@{found.short}",
            expected=f"app: {app}",
            got=f"app: {pipeline.app}",
            untouched="everything: nothing was built, pushed or committed",
        )
    _check_reads(pipeline, root, found.short)
    return Code(app=app, revision=found, pipeline=pipeline, folder=root)


def _check_reads(pipeline: Pipeline, root: Path, revision: str) -> None:
    """A misspelt path would never change, and the layer never run again."""
    for name, layer in pipeline.tests.layers.items():
        for path in layer.reads:
            if not (root / path).exists():
                raise RefuseError(
                    "A layer reads what is not there.",
                    where=f"pipeline.yaml@{revision}: tests.layers.{name}.reads",
                    expected="files and folders of the app",
                    got=path,
                    untouched="everything: nothing was built, pushed or committed",
                )
