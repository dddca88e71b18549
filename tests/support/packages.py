"""Programs that only tests need, brought by Debian's packages where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def have(program: str, package: str) -> str:
    """The path of a program, installed if it is missing; the test fails where it cannot be."""
    path = shutil.which(program, path=_PATH)
    if path is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "--yes", "--no-install-recommends", package]
        for command in (["apt-get", "update"], install):
            subprocess.run(command, capture_output=True, check=False)
        path = shutil.which(program, path=_PATH)
    if path is None:
        pytest.fail(f"this test needs {program}: apt-get install {package}", pytrace=False)
    return path
