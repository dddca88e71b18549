"""The image of docs/production.md says what it is made of, and whether it is well."""

from __future__ import annotations

import json

import pytest
from docker import DockerClient
from docker.models.images import Image
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.kubectl import shell_with_kubectl
from tests.support.production import build_image
from tests.support.project import HOME

IMAGE = "shipway/listed:test"
LABEL = "dev.shipway.sbom"
SERVE = "exec python3 -m http.server 8080 --directory /tmp"
LISTENS = "until (exec 3<>/dev/tcp/127.0.0.1/8080); do sleep 0.1; done"


def locked() -> set[tuple[str, str]]:
    """Name and version of what requirements.txt has for the Python of the image."""
    lines = (HOME / "requirements.txt").read_text("utf-8").splitlines()
    said = [Requirement(line.rstrip("\\")) for line in lines if line[:1].isalnum()]
    here = [each for each in said if each.marker is None or each.marker.evaluate()]
    return {(canonicalize_name(each.name), str(each.specifier).removeprefix("==")) for each in here}


@pytest.fixture(scope="module")
def image(
    sandbox: dict[str, str], engine: DockerClient, tmp_path_factory: pytest.TempPathFactory
) -> Image:
    shell = shell_with_kubectl(sandbox, tmp_path_factory.mktemp("image"))
    build_image(shell, IMAGE, sandbox["SHIPWAY_PYTHON_IMAGE"])
    return engine.images.get(IMAGE)


def test_its_label_leads_to_a_list_of_its_packages(image: Image, engine: DockerClient) -> None:
    show = ["cat", image.labels[LABEL]]
    listed = json.loads(engine.containers.run(IMAGE, entrypoint=show, remove=True))
    assert listed["bomFormat"] == "CycloneDX"
    found = {(canonicalize_name(each["name"]), each["version"]) for each in listed["components"]}
    assert found >= locked()
    assert "shipway" in {name for name, _ in found}


def is_healthy(image: Image, engine: DockerClient, serve: str, ready: str) -> bool:
    """What the image's own check says, once a container of it is ready."""
    container = engine.containers.run(IMAGE, ["bash", "-c", serve], detach=True)
    try:
        waited = container.exec_run(["timeout", "30", "bash", "-c", ready])
        assert waited.exit_code == 0, container.logs()
        check = image.attrs["Config"]["Healthcheck"]["Test"][1:]
        return container.exec_run(check).exit_code == 0
    finally:
        container.remove(force=True)


def test_it_is_healthy_where_its_worker_says_so(image: Image, engine: DockerClient) -> None:
    assert is_healthy(image, engine, f"touch /tmp/health; {SERVE}", LISTENS)


def test_it_is_unhealthy_where_its_worker_does_not_say_so(
    image: Image, engine: DockerClient
) -> None:
    assert not is_healthy(image, engine, SERVE, LISTENS)


def test_it_is_unhealthy_where_nothing_listens(image: Image, engine: DockerClient) -> None:
    assert not is_healthy(image, engine, "sleep 60", "true")
