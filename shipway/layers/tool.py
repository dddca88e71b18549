"""The test tool of a layer."""

from __future__ import annotations

from pathlib import Path

from shipway.config.pipeline import Layer
from shipway.test_tools.registry import TOOLS
from shipway.test_tools.tool import Tool


def tool_of(layer: Layer, code: Path, *, fresh: bool) -> Tool:
    """The tool of one run of a layer.

    Args:
        layer: The layer.
        code: The app's checked-out folder.
        fresh: Whether every test runs to its end, whatever fails.

    Raises:
        RefuseError: The layer's `files` match nothing.
    """
    fail_fast = not (fresh or layer.retries or layer.quarantine)
    return TOOLS[layer.tool_name].create(layer.tool_settings, code, fail_fast=fail_fast)
