"""What `shipway init` wants to know of a language."""

from __future__ import annotations

import re
from typing import ClassVar, Protocol

from shipway.errors import RefuseError
from shipway.init.dockerfile import Stage
from shipway.init.new_file import UNTOUCHED
from shipway.init.suite import SeenSuite
from shipway.init.tree import Tree

DEFAULT_PORT = 8080
# What serves, and not what is connected to.
_PORT = re.compile(
    r"(?:\bPORT\b|\bAddr\b|(?i:listen\w*\(|server?\(|bind\(|\brun\())[^\n]{0,60}?\b([1-9]\d{3,4})\b"
)


class Language(Protocol):
    """How apps of a language are recognized, built and tested.

    Attributes:
        test_stage: The lines that give a Dockerfile a stage for tests, with the shipped stage's
            name in the place of `{shipped}`.
    """

    test_stage: ClassVar[str]

    @classmethod
    def recognizes(cls, tree: Tree) -> str | None:
        """The file that tells an app of this language."""
        ...

    @classmethod
    def suite(cls, tree: Tree) -> SeenSuite | None:
        """The app's tests, if it has any."""
        ...

    @classmethod
    def can_test(cls, stage: Stage, tree: Tree) -> bool:
        """Whether a stage has what the tests need, as far as its instructions tell."""
        ...

    @classmethod
    def dockerfile(cls, tree: Tree) -> str:
        """A Dockerfile with the stages `test` and `runtime`.

        Raises:
            RefuseError: It is not known how the app is started.
        """
        ...


def port_in(tree: Tree, files: list[str]) -> int:
    """The port that code listens at, or else 8080."""
    ports = (_PORT.search(tree.text(file)) for file in files)
    return next((int(port[1]) for port in ports if port), DEFAULT_PORT)


def procfile_command(tree: Tree) -> str | None:
    """What a Procfile starts, as Heroku and others read it."""
    found = re.search(r"^web:\s*(.+)$", tree.text("Procfile"), re.MULTILINE)
    return found[1].strip() if found else None


def unknown_start(tree: Tree, expected: str) -> RefuseError:
    """The error for an app that nothing says how to start."""
    return RefuseError(
        "It is not known how the app is started.",
        where=str(tree.root),
        expected=f"a Dockerfile; or {expected}",
        got=", ".join(name for name in tree.files if "/" not in name) or "no such file",
        untouched=UNTOUCHED,
        remedy="echo 'web: THE COMMAND' > Procfile",
    )
