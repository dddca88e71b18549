"""Debian packages, installed where a program is missing and we are root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from state import LOGS, Unavailable

_POLICY = Path("/usr/sbin/policy-rc.d")


def need(packages: dict[str, str], purpose: str) -> None:
    """Install the packages whose program or file is missing.

    Args:
        packages: For each Debian package, a program on PATH or an absolute path that it brings.
        purpose: What they are for, shown in the error.

    Raises:
        Unavailable: They cannot be installed; with the command that would do it.
    """
    missing = [name for name, brings in packages.items() if not _is_there(brings)]
    if not missing:
        return
    remedy = f"run as root: apt-get install --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(f"{purpose} needs {', '.join(missing)}: {remedy}")
    print(f"  installing {', '.join(missing)} …", flush=True)
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / "apt.log").open("ab") as log, _no_services():
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (install, ["apt-get", "update"], install):
            done = subprocess.run(command, env=env, stdout=log, stderr=log, check=False)
            if command == install and done.returncode == 0:
                return
    raise Unavailable(f"{purpose}: apt-get failed, see {LOGS / 'apt.log'}; {remedy}")


def _is_there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


@contextmanager
def _no_services() -> Iterator[None]:
    """Debian starts the services of a package it installs; the sandbox starts its own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
