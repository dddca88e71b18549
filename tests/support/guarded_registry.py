"""A real registry of a test's own, which lets in one user alone."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from shipway.registry_api import Login

USER = Login(username="ada", password=SecretStr("hunter2"))
# Its password, by bcrypt.
_ENTRY = "ada:$2b$04$gVrM3I8s2BmFGw/UDQvJ2OtFk2Ie4l47wEGIHK8EiGRGBplKbcd6G\n"
_LISTENS = re.compile(r'listening on ([0-9.:]+)"')


@contextmanager
def guarded_registry(folder: Path) -> Generator[str]:
    """Its host and port, as this machine and the sandbox's buildkitd reach it.

    Args:
        folder: Where it keeps its files.
    """
    (folder / "htpasswd").write_text(_ENTRY)
    (folder / "config.yml").write_text(
        f"""version: 0.1
log: {{accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder / "images"}}}
http: {{addr: "{_side_of_buildkit()}:0"}}
auth:
  htpasswd: {{realm: test, path: {folder / "htpasswd"}}}
"""
    )
    command = ["docker-registry", "serve", str(folder / "config.yml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(filter(None, map(_LISTENS.search, process.stderr)))[1]
        finally:
            process.terminate()


def _side_of_buildkit() -> str:
    """The address of this machine that buildkitd reaches, whose loopback is another."""
    buildkitd = urlsplit(os.environ["SHIPWAY_SANDBOX_BUILDKIT"])
    with socket.create_connection((buildkitd.hostname, buildkitd.port)) as connection:
        return connection.getsockname()[0]
