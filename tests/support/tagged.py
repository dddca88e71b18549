"""A line of commits with a tag on each, made in no time."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

_WHO = "Ada <ada@example.org> 1700000000 +0000"


def tag_line(repository: Path, numbers: Iterable[int], branch: str = "main") -> None:
    """Commit to a branch that has a commit, once for each number, and tag each: v1, v2, …"""
    lines = list[str]()
    for at, number in enumerate(numbers):
        # What follows is a child of what came before it in the stream.
        begin = f"from refs/heads/{branch}^0\n" if at == 0 else ""
        lines.append(
            f"commit refs/heads/{branch}\nmark :{number}\ncommitter {_WHO}\n"
            f"data <<END\nchange {number}\nEND\n{begin}"
            f"\nreset refs/tags/v{number}\nfrom :{number}\n\n"
        )
    command = ["git", f"--git-dir={repository}", "fast-import", "--quiet"]
    subprocess.run(command, input="".join(lines), text=True, check=True)
