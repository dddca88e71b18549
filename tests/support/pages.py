"""What README and docs tell people to type, as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.project import HOME

SHELLS = {"sh", "bash", "shell", "console"}
FENCE = re.compile(r" *```(?P<language>\w*)$")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: Its page, from the root of the repository.
        section: The heading that it stands below.
        language: As what it is marked.
        text: What is in it.
    """

    page: str
    section: str
    language: str
    text: str


def pages() -> list[str]:
    """Every page that people read, apart from those that tell what was."""
    docs = ("docs/*.md", "docs/moving-in/*.md", "docs/reference/*.md")
    patterns = ("*.md", *docs, "bench/README.md", "examples/**/*.md")
    found = {str(page.relative_to(HOME)) for each in patterns for page in HOME.glob(each)}
    return sorted(found - {"CHANGELOG.md"})


def blocks(page: str) -> list[Block]:
    """The blocks of code of a page, in order."""
    found: list[Block] = []
    section, language, text = "", None, ""
    for line in (HOME / page).read_text("utf-8").splitlines(keepends=True):
        if fence := FENCE.match(line):
            if language is None:
                language, text = fence["language"], ""
            else:
                found.append(Block(page, section, language, text))
                language = None
        elif language is not None:
            text += line
        elif line.startswith("#"):
            section = line.lstrip("#").strip()
    return found


def spans(page: str) -> Iterator[str]:
    """What stands as code in the sentences of a page."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", (HOME / page).read_text("utf-8"))
    for span in re.findall(r"`([^`]+)`", text):
        yield " ".join(span.split())


def pasted(page: str, section: str) -> list[str]:
    """The shell blocks of a section.

    A test or fixture that calls it runs what it returns: tests/unit/docs/test_pasted.py asks for
    one for each section with a shell block, and finds it by the words of the call.
    """
    found = [each for each in blocks(page) if each.section == section]
    shell = [each.text for each in found if each.language in SHELLS]
    assert shell, f"{page} has no shell block below {section!r}"
    return shell


def paste(
    text: str, names: Mapping[str, str], env: Mapping[str, str], folder: Path = HOME
) -> subprocess.CompletedProcess[str]:
    """Run a block in a shell whose PATH has Shipway's commands, with names of the test's own.

    Args:
        text: The block.
        names: What stands on the page, and what the test has in its place.
        env: Variables of the shell.
        folder: Where it is pasted.
    """
    shell = ["bash", "--noprofile", "--norc", "-e", "-c", renamed(text, names)]
    path = f"{Path(sys.executable).parent}:{env['PATH']}"
    return subprocess.run(
        shell, cwd=folder, env={**env, "PATH": path}, capture_output=True, text=True, check=False
    )


def renamed(text: str, names: Mapping[str, str]) -> str:
    """A block with other names in it; only whole words are replaced."""
    for name, instead in names.items():
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, text)
    return text
