"""What registry and Git server say of a release: witnesses that Shipway has no part in."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
from git import Repo

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def committed_images(app: str, revision: str) -> list[str]:
    """The image of each commit in the ops repository that releases a revision."""
    ops = Repo(Path(os.environ["SHIPWAY_GIT_ROOT"], "ops.git"))
    image = "--format=%(trailers:key=Image,valueonly,separator=%x20)"
    release = f"--grep=^Revision: {revision}$"
    return str(ops.git.log(image, release, "main", "--", f"staging/{app}")).splitlines()


def pushes(log: Path, app: str, revision: str) -> int:
    """How often the registry took an image under a revision's tag, as its access log has it."""
    taken = f'"PUT /v2/{app}/manifests/{revision} HTTP/1.1" 201 '
    return log.read_text(errors="replace").count(taken)


def digest_of(app: str, revision: str) -> str | None:
    """The digest that the registry holds under a revision's tag."""
    url = f"http://{os.environ['SHIPWAY_REGISTRY']}/v2/{app}/manifests/{revision}"
    return httpx.head(url, headers={"Accept": _MANIFEST}).headers.get("Docker-Content-Digest")
