"""The tool of a layer. A new one is one more file, and one more line here."""

from __future__ import annotations

from pathlib import Path

from shipway.config.pipeline import Layer
from shipway.errors import RefuseError
from shipway.test_tools.go import Go
from shipway.test_tools.junit import Junit
from shipway.test_tools.pytest import Pytest
from shipway.test_tools.tool import Tool


def tool_of(layer: Layer, code: Path, *, live: bool) -> Tool:
    """The tool that a layer's command runs.

    Args:
        layer: The layer.
        code: The app's checked-out folder, where test files are found.
        live: Whether the first failure ends the layer. TAP has other names than JUnit XML, so that
            it serves for that alone.

    Raises:
        RefuseError: The layer's `files` match nothing.
    """
    if layer.kind == "pytest":
        return Pytest(layer.command)
    if layer.kind == "go":
        return Go(layer.command, code)
    found = code.glob(layer.files) if layer.files else ()
    files = sorted(str(one.relative_to(code)) for one in found)
    if layer.files is not None and not files:
        raise RefuseError(
            "No file matches the layer's files.",
            where="pipeline.yaml",
            expected="test files in the app's folder",
            got=layer.files,
            untouched="everything: nothing was built, pushed or committed",
        )
    return Junit(layer.command, layer.junit, files, tap=live and layer.kind == "tap")
