"""A layer of a suite of the bench's own, run as a release or a nightly run does."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from git import Repo
from prefect import get_client

from blocks.source_repository import SourceRepository
from flows.verify import verify
from shipway.code import Code
from shipway.config.pipeline import Layer, Pipeline, Tests
from shipway.errors import ShipwayError
from shipway.pyramid.results import LayerResult, RedLayerError
from shipway.runners.environment import Images

# The plugins of this project's own suite are none of theirs.
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


class LayerOutcome(NamedTuple):
    """What a layer came to: its result, the error that ended it, and its wall time in seconds."""

    result: LayerResult | None
    error: ShipwayError | None
    seconds: float

    @property
    def line(self) -> str:
        """What it says first."""
        if self.error is not None:
            return self.error.what
        return "" if self.result is None else f"{self.result.count('passed')} passed"


class Suite:
    """An app with test files, known to Shipway.

    Args:
        folder: Its repository.
    """

    def __init__(self, folder: Path) -> None:
        self.app = f"bench-{uuid4().hex[:8]}"
        self._folder = folder
        self._repo = Repo.init(folder, initial_branch="main")
        self.source = SourceRepository(url=f"file://{folder}")

    def write(self, files: Mapping[str, str]) -> None:
        """Commit files, and whatever else lies in the folder."""
        for name, text in files.items():
            file = self._folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self._repo.git.add("--all", "--force")
        self._repo.index.commit("A change")

    async def run(
        self, image: str | None = None, *, fresh: bool = False, **layer: Any
    ) -> LayerOutcome:
        """Run the files as a layer with these settings, in an image or as processes."""
        runner = "container" if image else "process"
        unit = Layer.model_validate({"runner": runner, **layer})
        code = Code(
            app=self.app,
            revision=self.source.resolve(None),
            pipeline=Pipeline(app=self.app, tests=Tests(layers={"unit": unit})),
            folder=self._folder,
        )
        begin = time.perf_counter()
        result = error = None
        try:
            result = await verify("unit", code, Images(tests=image, app=None), fresh=fresh)
        except RedLayerError as red:
            result, error = red.result, red
        except ShipwayError as other:
            error = other
        return LayerOutcome(result, error, time.perf_counter() - begin)


@asynccontextmanager
async def registered(folder: Path) -> AsyncGenerator[Suite]:
    """A suite that Shipway knows for as long as this lasts."""
    suite = Suite(folder)
    await suite.source.asave(suite.app, overwrite=True)
    try:
        yield suite
    finally:
        async with get_client() as client:
            document = await client.read_block_document_by_name(suite.app, "source-repository")
            await client.delete_block_document(document.id)
