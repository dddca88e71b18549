"""The image of docs/production.md says what it is made of."""

from __future__ import annotations

import json
from pathlib import Path

from docker import DockerClient
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.kubectl import shell_with_kubectl
from tests.support.production import build_image
from tests.support.project import HOME

IMAGE = "shipway/listed:test"
LABEL = "dev.shipway.sbom"


def locked() -> set[tuple[str, str]]:
    """Name and version of what requirements.txt has for the Python of the image."""
    lines = (HOME / "requirements.txt").read_text("utf-8").splitlines()
    said = [Requirement(line.rstrip("\\")) for line in lines if line[:1].isalnum()]
    here = [each for each in said if each.marker is None or each.marker.evaluate()]
    return {(canonicalize_name(each.name), str(each.specifier).removeprefix("==")) for each in here}


def test_its_label_leads_to_a_list_of_its_packages(
    sandbox: dict[str, str], engine: DockerClient, tmp_path: Path
) -> None:
    build_image(shell_with_kubectl(sandbox, tmp_path), IMAGE, sandbox["SHIPWAY_PYTHON_IMAGE"])
    path = engine.images.get(IMAGE).labels[LABEL]
    listed = json.loads(engine.containers.run(IMAGE, entrypoint=["cat", path], remove=True))
    assert listed["bomFormat"] == "CycloneDX"
    found = {(canonicalize_name(each["name"]), each["version"]) for each in listed["components"]}
    assert found >= locked()
    assert "shipway" in {name for name, _ in found}
