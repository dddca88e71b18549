"""An app that a test builds for real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from blocks.container_runner import ContainerRunner
from shipway.config.pipeline import read_pipeline
from shipway.image_builders.builder import Build
from shipway.runners.container_environment import ContainerEnvironment
from shipway.test_tools.registry import TOOLS
from shipway.test_tools.tool import Tool
from tests.support.builders import engine_builder
from tests.support.environments import spec_of


class BuiltApp:
    """An app in a folder of a test's own; its pipeline.yaml has one layer."""

    def __init__(self, code: Path, base: str) -> None:
        self.code = code
        self.pipeline = read_pipeline((code / "pipeline.yaml").read_text())
        self._base = base

    def change(self, file: str, old: str, new: str) -> None:
        """Change a file of the app."""
        path = self.code / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def tool(self, *, fail_fast: bool = False) -> Tool:
        """The tool of its one layer."""
        layer = self.pipeline.tests.layers["unit"]
        return TOOLS[layer.tool_name].create(layer.tool_settings, self.code, fail_fast=fail_fast)

    async def build(self, stage: str | None) -> str:
        """Build a stage, as it is now, on a base that the sandbox has; return the image's id."""
        wanted = Build(
            app=self.pipeline.app,
            context=self.code,
            dockerfile=self.code / self.pipeline.image.dockerfile,
            target=stage,
            args={"BASE": self._base},
        )
        return await engine_builder().build(wanted, print)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[ContainerEnvironment]:
        """A place of its test stage, as it is now."""
        image = await self.build(self.pipeline.tests.target)
        async with ContainerRunner().open().environment(spec_of(image=image)) as environment:
            yield environment
