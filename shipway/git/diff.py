"""The difference of files, in Git's own words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shipway.errors import FailError
from shipway.git.command import CommandError, Git, run_git
from shipway.temporary_folder import temporary_folder

# What `git diff` says of files that differ.
_DIFFERS = 1


def git_diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """What `git diff` shows of files, by path; empty where they are equal.

    Raises:
        FailError: Git fails.
    """
    with temporary_folder("diff") as folder:
        # Named as the two sides are in its output.
        for side, files in (("a", before), ("b", after)):
            _write(folder / side, files)
        try:
            run_git(Git(folder), "diff", "--no-index", "--no-prefix", "a", "b")
        except CommandError as error:
            if error.status == _DIFFERS:
                return error.stdout
            raise FailError("Git failed at `diff`.", got=error.stderr) from error
    return ""


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
