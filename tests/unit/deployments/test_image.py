"""docker/worker/Dockerfile: whom it trusts, and as whom it runs."""

from __future__ import annotations

import re

from tests.support.project import HOME

FOLDER = HOME / "docker" / "worker"
DOCKERFILE = (FOLDER / "Dockerfile").read_text("utf-8")


def test_it_runs_as_a_user_that_kubernetes_sees_is_not_root() -> None:
    user = re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


def test_every_package_has_its_hash_and_no_index_is_named() -> None:
    installs = re.findall(r"pip install (.*?)(?: *\\)?$", DOCKERFILE, re.MULTILINE)
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)
    files = [HOME / "requirements.txt", FOLDER / "requirements-build.txt"]
    for text in (DOCKERFILE, *(file.read_text("utf-8") for file in files)):
        assert not re.search(r"https?://(?!127\.0\.0\.1)|--(?:extra-)?index-url|--find-links", text)


def test_only_the_files_of_the_package_go_into_the_build() -> None:
    lines = (FOLDER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert lines[0] == "*"
    for line in lines[1:]:
        assert line.startswith("**/") or (HOME / line.removeprefix("!")).exists()
