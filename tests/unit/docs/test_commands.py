"""Every command that a page names is one: its words, options and parameters are known."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import yaml
from cyclopts import CycloptsError, MissingArgumentError

from shipway.cli.main import app
from tests.support.pages import SHELLS, blocks, pages, spans
from tests.support.project import HOME

TARGETS = set(re.findall(r"^([a-z-]+):", (HOME / "Makefile").read_text("utf-8"), re.MULTILINE))
DEPLOYMENTS = yaml.safe_load((HOME / "prefect.yaml").read_text("utf-8"))["deployments"]
GIT = set(subprocess.check_output(["git", "--list-cmds=main"], text=True).split())


def shipway(words: list[str]) -> None:
    """What the command itself takes; a sentence may name it without what it is about."""
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except MissingArgumentError:
        pass
    except CycloptsError as error:
        raise ValueError(str(error)) from error


def make(words: list[str]) -> None:
    """Targets of the Makefile."""
    targets = {word for word in words if not word.startswith("-") and "=" not in word}
    if missing := targets - TARGETS:
        raise ValueError(f"no target {missing}")


def prefect(words: list[str]) -> None:
    """A deployment of prefect.yaml, and parameters of its flow."""
    if words[:2] != ["deployment", "run"]:
        return
    flows = {}
    for each in DEPLOYMENTS:
        module, _, function = each["entrypoint"].rpartition(".")
        flow = getattr(importlib.import_module(module), function)
        flows[f"{flow.name}/{each['name']}"] = flow
    for name in words[2:3]:
        known = inspect.signature(flows[name].fn).parameters
        given = {word.partition("=")[0] for before, word in pairwise(words) if "-p" in before}
        if missing := given - set(known):
            raise ValueError(f"{name} takes no {missing}")


def python(words: list[str]) -> None:
    """A module that is there."""
    if words[:1] == ["-m"] and importlib.util.find_spec(words[1]) is None:
        raise ValueError(f"no module {words[1]}")


def git(words: list[str]) -> None:
    """One of Git's commands."""
    command = words[2] if words[0] == "-C" else words[0]
    if command not in GIT:
        raise ValueError(f"no git {command}")


CHECKS: dict[str, Callable[[list[str]], None]] = {
    "shipway": shipway,
    "make": make,
    "prefect": prefect,
    "python": python,
    "python3": python,
    "git": git,
}


def told() -> Iterator[tuple[str, str]]:
    """Page and words of each command, in a block or in a sentence."""
    for page in pages():
        yield from ((page, span) for span in spans(page))
        for block in blocks(page):
            if block.language in SHELLS:
                yield from ((page, line) for line in block.text.replace("\\\n", " ").splitlines())


def check(line: str) -> bool:
    """Whether a line is a command that can be checked.

    Raises:
        ValueError: It is one, and no such command, option or parameter is there.
    """
    # In a synopsis, what may be left out stands in brackets, and COMMAND for each of them.
    line = re.sub(r"\[(\w+)\]…?", r"\1", line).replace("COMMAND", "status")
    # A command may stand in another one's quotes.
    if inner := re.search(r"\$\((\w+ .*)\)", line):
        check(inner[1])
    try:
        words = shlex.split(line.partition(" > ")[0], comments=True)
    except ValueError:
        return False
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    if len(words) < 2 or words[0] not in CHECKS:
        return False
    CHECKS[words[0]](words[1:])
    return True


@pytest.mark.parametrize("page", pages())
def test_every_command_of_a_page_is_one(page: str) -> None:
    for where, line in told():
        if where == page:
            check(line)


def test_the_pages_name_commands_of_each_kind() -> None:
    named = {line.split()[0] for _, line in told() if line.strip() and check(line)}
    assert set(CHECKS) - named == set()


@pytest.mark.parametrize(
    "line",
    [
        "shipway relaese shop",
        "shipway release shop --wait",
        "shipway logs --jsn",
        "shipway release shop v1 staging",
        "shipway release shop --until tomorrow",
        "make demos",
        'eval "$(make -s envs)"',
        "prefect deployment run release/releases",
        "prefect deployment run release/release --param application=shop",
        "SHIPWAY_APPS=a=b python -m deployments.strap",
        "git comit --message all",
    ],
)
def test_a_command_that_is_none_is_seen(line: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        check(line)


@pytest.mark.parametrize(
    "line",
    [
        'shipway release shop "$REVISION" --watch   # and wait',
        "shipway release --watch",
        "shipway check [PATH]…",
        "make demo STRATEGY=canary",
        "git -C /tmp/ops add --all",
    ],
)
def test_a_command_that_is_one_passes(line: str) -> None:
    assert check(line)


def test_every_variable_is_read_somewhere() -> None:
    named = {
        name
        for page in pages()
        for name in re.findall(r"\bSHIPWAY_[A-Z_]+\b", (HOME / page).read_text("utf-8"))
    }
    code = subprocess.check_output(
        ["git", "grep", "-hohE", r"SHIPWAY_[A-Z_]+", "--", "*.py", "Makefile", "*.yaml"],
        cwd=HOME,
        text=True,
    )
    assert named - set(code.split()) == set()
