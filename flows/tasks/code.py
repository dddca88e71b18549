"""Code: the revision, its files and its pipeline.yaml."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prefect import get_client
from prefect.runtime import flow_run
from pydantic import BaseModel, ConfigDict

from blocks.config import Pipeline, read_pipeline
from blocks.errors import Refuse
from blocks.source_repository import Revision, SourceRepository
from flows.tasks.outside import outside
from flows.tasks.saved import saved


class Code(BaseModel):
    """One revision of an app, checked out."""

    model_config = ConfigDict(frozen=True)

    app: str
    revision: Revision
    pipeline: Pipeline
    folder: Path


async def source_of(app: str) -> SourceRepository:
    """The Source Repository block of an app.

    Raises:
        Refuse: There is none.
    """
    return await saved(
        SourceRepository,
        app,
        f"There is no app {app!r}.",
        expected="a Source Repository block with the app's name",
        untouched="everything: nothing was built, pushed or committed",
    )


@outside("checkout {app}")
async def checkout(app: str, revision: str | None, folder: Path) -> Code:
    """Check out a revision (the tip of the default branch if None) and read its pipeline.yaml."""
    source = await source_of(app)
    found = await asyncio.to_thread(source.resolve, revision)
    root = await asyncio.to_thread(source.checkout, found, folder / "code")
    file = root / "pipeline.yaml"
    # A link could lead to a file of the worker's, whose text an error would show.
    if not file.is_file() or file.is_symlink():
        raise Refuse(
            "There is no pipeline.yaml.",
            where=f"{source.url} at {found.short}, folder {source.folder}",
            expected="a pipeline.yaml beside the app's code",
            untouched="everything: nothing was built, pushed or committed",
            remedy="add one; the README shows the shortest",
        )
    pipeline = read_pipeline(file.read_text("utf-8"), f"pipeline.yaml@{found.short}")
    if pipeline.app != app:
        raise Refuse(
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
                raise Refuse(
                    "A layer reads what is not there.",
                    where=f"pipeline.yaml@{revision}: tests.layers.{name}.reads",
                    expected="files and folders of the app",
                    got=path,
                    untouched="everything: nothing was built, pushed or committed",
                )


async def name_this_run(name: str) -> None:
    """Rename the current flow run, once it is known what it releases."""
    if flow_run.id is not None:
        async with get_client() as client:
            await client.update_flow_run(flow_run.id, name=name)
