"""Results and suites that break tools: unreadable, missing, killed, very many, oddly named."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from bench.common.command import run
from bench.common.section import Cell, Section
from bench.pyramid.suite import BARE, LayerOutcome, registered
from shipway.pyramid.results import RedLayerError

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
MANY, MANY_SHARDS = 100_000, 2
MANY_SUITE = f"""
import pytest
@pytest.mark.parametrize("number", range({MANY}))
def test_many(number): pass
"""
IDS = [
    "bell \x07",
    "escape \x1b[31m",
    "separator \x1e",
    "two\nlines",
    "nul-free \x7f",
    "long " * 2000,
]
NAMES = f"import pytest\n@pytest.mark.parametrize('x', {IDS!r}, ids={IDS!r})\ndef test_odd(x): "
AS_THEY_ARE = (
    "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_community_support = true\n"
)

NO_FILES: dict[str, str] = {}


class Case(NamedTuple):
    """A suite, its command, and what is to be said of it."""

    title: str
    says: str
    files: Mapping[str, str] = NO_FILES
    command: Sequence[str] = PYTEST
    tool: Literal["pytest", "junit"] = "pytest"


def _shell(script: str) -> list[str]:
    return ["sh", "-c", script]


CASES = (
    Case(
        "JUnit XML that ends in the middle",
        "The test results cannot be read",
        command=_shell("echo '<testsuite><testcase name=\"a\"' > $SHIPWAY_JUNIT"),
        tool="junit",
    ),
    Case(
        "JUnit XML that is none",
        "The test results cannot be read",
        command=_shell("head -c 100000 /dev/urandom > $SHIPWAY_JUNIT"),
        tool="junit",
    ),
    Case(
        "JUnit XML that is empty",
        "The test results cannot be read",
        command=_shell(": > $SHIPWAY_JUNIT"),
        tool="junit",
    ),
    Case("no JUnit XML", "The test command left no results", command=["true"], tool="junit"),
    Case(
        "a JUnit tool that ends with kill -9, its results green",
        "The test command failed, although no test did",
        command=_shell(
            "echo '<testsuite><testcase name=\"a\"/></testsuite>' > $SHIPWAY_JUNIT; kill -9 $$"
        ),
        tool="junit",
    ),
    Case(
        "pytest that ends with kill -9",
        "pytest was ended from outside, or crashed, with exit status 137",
        {"test_a.py": "import os\ndef test_a(): pass\ndef test_b(): os.kill(os.getpid(), 9)\n"},
    ),
    Case(
        f"{len(IDS)} names: control characters, and {max(map(len, IDS)):,} characters",
        f"{len(IDS)} passed",
        {"test_names.py": f"{NAMES}pass\n", "pytest.ini": AS_THEY_ARE},
    ),
    Case(
        "the same, and the one with control characters fails",
        "test_names.py::test_odd[escape \\x1b[31m] failed",
        {"test_names.py": f"{NAMES}assert x[0] != 'e'\n", "pytest.ini": AS_THEY_ARE},
    ),
    Case(
        "the same, and the longest fails",
        " more)…",
        {"test_names.py": f"{NAMES}assert x[0] != 'l'\n", "pytest.ini": AS_THEY_ARE},
    ),
)


async def odd() -> Section:
    """Run every case; and as many tests as a very large suite has, beside plain pytest."""
    rows: list[dict[str, Cell]] = []
    promises: dict[str, bool] = {}
    for case in CASES:
        layer = await _run(case)
        rows.append(_row(case.title, layer, ""))
        promises[f"{case.title}: clear words"] = case.says in layer.line and _is_sound(layer)
    many = Case(f"{MANY:,} tests in {MANY_SHARDS} shards", "", {"test_many.py": MANY_SUITE})
    layer, plain = await _many(many)
    rows.append(_row(many.title, layer, f"{layer.seconds / plain:.2f} ×"))
    promises[f"{many.title}: each is told"] = layer.line == f"{MANY} passed"
    return Section(
        title="Results and suites that break tools",
        about="What Shipway says first, and the seconds of the whole layer, in processes. Plain "
        f"pytest runs the last suite in {plain:.1f} s.",
        rows=tuple(rows),
        promises=promises,
    )


def _is_sound(layer: LayerOutcome) -> bool:
    """Green, or red and no other error; and its words fit on a screen."""
    return (layer.error is None or isinstance(layer.error, RedLayerError)) and _is_short(layer.line)


def _is_short(line: str) -> bool:
    return line.isprintable() and len(line) < 300


def _row(title: str, layer: LayerOutcome, peer: str) -> dict[str, Cell]:
    return {"": title, "Says": layer.line, "Seconds": f"{layer.seconds:.1f}", "To pytest": peer}


async def _run(case: Case) -> LayerOutcome:
    with tempfile.TemporaryDirectory() as folder:
        async with registered(Path(folder)) as suite:
            suite.write({"pytest.ini": "[pytest]\n", **case.files})
            return await suite.run(command=[*case.command], env=BARE, tool=case.tool)


async def _many(case: Case) -> tuple[LayerOutcome, float]:
    """The layer, and the seconds of plain pytest."""
    with tempfile.TemporaryDirectory() as folder:
        async with registered(Path(folder)) as suite:
            suite.write({"pytest.ini": "[pytest]\n", **case.files})
            command = shlex.join(case.command)
            plain = run(_shell(f"cd {shlex.quote(folder)} && {command}"), {**os.environ, **BARE})
            if plain.status != 0:
                raise SystemExit(f"✗ plain pytest: {plain.output[-1000:]}")
            layer = await suite.run(command=[*case.command], env=BARE, shards=MANY_SHARDS)
            return layer, plain.seconds
