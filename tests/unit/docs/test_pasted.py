"""Every shell block of README and docs is run by a test, in the words that stand there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support.pages import SHELLS, blocks, pages, pasted
from tests.support.project import HOME


def run_by_tests() -> Iterator[tuple[str, str]]:
    """Page and section of each call of `pasted` in a test or a fixture."""
    tests = HOME / "tests"
    for file in (*tests.rglob("test_*.py"), *tests.rglob("conftest.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id=pasted.__name__),
                    args=[ast.Constant(value=str(page)), ast.Constant(value=str(section))],
                ):
                    yield page, section
                case _:
                    pass


def test_every_shell_block_is_run_by_a_test() -> None:
    shell = [each for page in pages() for each in blocks(page) if each.language in SHELLS]
    assert {(each.page, each.section) for each in shell} == set(run_by_tests())
