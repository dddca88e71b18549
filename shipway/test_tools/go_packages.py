"""Which packages `go test` would run, found without Go: the worker need not have it.

The rules are those of `go help packages` and `go help test`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from shipway.errors import RefuseError

# Flags of `go test` that take no value after a space.
SWITCHES = frozenset(
    (
        *("a", "asan", "artifacts", "benchmem", "c", "cover", "failfast", "fullpath", "i", "json"),
        *("linkshared", "modcacherw", "msan", "n", "race", "short", "trimpath", "v", "work", "x"),
    )
)
MODULE = re.compile(r"^module\s+\"?([^\s\"]+)", re.MULTILINE)


def arguments(words: Sequence[str]) -> slice:
    """Where the packages stand in what follows `go test`; an empty slice where none are named."""
    begin = 0
    while begin < len(words) and words[begin].startswith("-"):
        name, equals, _ = words[begin].lstrip("-").partition("=")
        if name == "args":
            break
        begin += 1 if equals or name.removeprefix("test.") in SWITCHES else 2
    begin = min(begin, len(words))
    end = begin
    while end < len(words) and not words[end].startswith("-"):
        end += 1
    return slice(begin, end)


def packages_of(command: Sequence[str], code: Path) -> list[str]:
    """Import paths of the packages with tests that a command names.

    Args:
        command: `go test …`, or `go -C folder test …`.
        code: The app's folder.

    Raises:
        RefuseError: There is no module.
    """
    at = command.index("test")
    root = code / command[command.index("-C") + 1] if "-C" in command[:at] else code
    module = _module(root)
    words = command[at + 1 :]
    named = [_path(package, module) for package in words[arguments(words)]] or [module]
    patterns = [_pattern(package) for package in named]
    tested = ("/".join((module, *folder.relative_to(root).parts)) for folder in _folders(root))
    return sorted(path for path in tested if any(pattern.fullmatch(path) for pattern in patterns))


def _module(root: Path) -> str:
    file = root / "go.mod"
    declared = MODULE.search(file.read_text("utf-8")) if file.is_file() else None
    if declared is None:
        raise RefuseError(
            "There is no Go module to split into shards.",
            where="the app's folder, or that of the command's -C",
            expected="a go.mod that names its module",
            untouched="the registry, the ops repository and the cluster",
            remedy="run `go -C folder test`, or give the layer `tool: junit` and a converter",
        )
    return declared[1]


def _path(package: str, module: str) -> str:
    """A package as an import path: `./cart` lies in the module."""
    if package != "." and not package.startswith("./"):
        return package
    return "/".join(part for part in (module, package.removeprefix(".").strip("/")) if part)


def _pattern(package: str) -> re.Pattern[str]:
    """`...` is any text; at the end, after a slash, it is also nothing."""
    text = re.escape(package).replace(re.escape("..."), ".*")
    return re.compile(re.sub(r"/\.\*$", "(/.*)?", text))


def _folders(root: Path) -> Iterator[Path]:
    """Folders of the module that hold tests."""
    if any(root.glob("*_test.go")):
        yield root
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder.is_symlink():
            continue
        hidden = folder.name.startswith((".", "_")) or folder.name in {"testdata", "vendor"}
        if not hidden and not (folder / "go.mod").exists():
            yield from _folders(folder)
