"""Prefect's standard tests of a block, for every block."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import ClassVar

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite

import blocks
from blocks.cluster import Cluster
from blocks.container_runner import ContainerRunner
from blocks.forge import Forge
from blocks.image_builder import ImageBuilder
from blocks.ledger import Ledger
from blocks.metrics import Metrics
from blocks.ops_repository import OpsRepository
from blocks.pod_runner import PodRunner
from blocks.registry import Registry
from blocks.renderer import Renderer
from blocks.retention import Retention
from blocks.source_repository import SourceRepository


class Standard(BlockStandardTestSuite):
    kind: ClassVar[type[Block]]

    @pytest.fixture
    def block(self) -> type[Block]:
        return self.kind

    def test_has_a_valid_image(self, block: type[Block]) -> None:
        # Prefect's own test loads the picture, and only where Pillow is installed: unit tests do
        # without a network.
        logo = block._logo_url
        assert logo is not None
        assert logo.scheme == "https"
        assert str(logo).endswith(".png")

    def test_has_a_documentation_url(self, block: type[Block]) -> None:
        # Shipway's documentation has no address of its own yet, and a wrong one helps nobody.
        assert block._documentation_url is None

    def test_says_which_name_it_is_looked_up_by(self, block: type[Block]) -> None:
        # A forge is chosen in another block's form, by any name.
        assert block is Forge or "name the block " in (block.get_description() or "")


class TestCluster(Standard):
    kind = Cluster


class TestContainerRunner(Standard):
    kind = ContainerRunner


class TestForge(Standard):
    kind = Forge


class TestImageBuilder(Standard):
    kind = ImageBuilder


class TestLedger(Standard):
    kind = Ledger


class TestMetrics(Standard):
    kind = Metrics


class TestOpsRepository(Standard):
    kind = OpsRepository


class TestPodRunner(Standard):
    kind = PodRunner


class TestRegistry(Standard):
    kind = Registry


class TestRenderer(Standard):
    kind = Renderer


class TestRetention(Standard):
    kind = Retention


class TestSourceRepository(Standard):
    kind = SourceRepository


def blocks_in(module: str) -> set[type[Block]]:
    values = vars(importlib.import_module(module)).values()
    return {
        value
        for value in values
        if isinstance(value, type) and issubclass(value, Block) and value.__module__ == module
    }


def test_each_file_has_one_block_and_each_block_has_a_suite() -> None:
    (folder,) = map(Path, blocks.__path__)
    files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
    by_file = {file.name: blocks_in(f"blocks.{file.stem}") for file in files}
    assert [name for name, kinds in by_file.items() if len(kinds) != 1] == []
    tested = {suite.kind for suite in Standard.__subclasses__()}
    assert set().union(*by_file.values()) == tested
