"""What runs a GitLab CI file on this machine: gitlab-ci-local, in the cache folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import packages
from state import CACHE, LOGS, Unavailable, exclusive

_LOCKED = Path(__file__).parent / "ci"


def install() -> None:
    """Have it in the cache folder.

    Raises:
        Unavailable: It cannot be installed here.
    """
    with exclusive():
        packages.need({"rsync": "rsync", "npm": "npm"}, "gitlab-ci-local")
        if command().exists():
            return
        folder = _folder()
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(_LOCKED, draft)
        log = LOGS / "npm.log"
        with log.open("ab") as output:
            done = subprocess.run(
                ["npm", "ci", "--no-audit", "--no-fund"],
                cwd=draft,
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode != 0:
            raise Unavailable(f"npm cannot install gitlab-ci-local; see {log}")
        draft.rename(folder)


def command() -> Path:
    """The command, known before it is there."""
    return _folder() / "node_modules" / ".bin" / "gitlab-ci-local"


def _folder() -> Path:
    locked = hashlib.sha256((_LOCKED / "package-lock.json").read_bytes()).hexdigest()
    return CACHE / f"ci-runners-{locked[:12]}"
