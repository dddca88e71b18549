"""Images for several platforms: one tag, an index, and only what was tested ships."""

from __future__ import annotations

import httpx
import pytest
from docker import DockerClient

from blocks.source_repository import SourceRepository
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from tests.support.project import Project
from tests.support.runs import run_release, summary

INDEX = "application/vnd.oci.image.index.v1+json"
DOCKERFILE = "FROM scratch\nCOPY hello.py /\nLABEL made=here\n"


@pytest.fixture
async def project(project: Project) -> Project:
    """The app, with leave to run its tests beside the worker's secrets."""
    block = await SourceRepository.aload(project.app)
    allowed = block.model_copy(update={"allows_processes": True})
    await allowed.asave(project.app, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    return project


@pytest.fixture
def own_platform(engine: DockerClient) -> str:
    version = engine.version()
    return f"{version['Os']}/{version['Arch']}"


def use(project: Project, platforms: str, dockerfile: str = DOCKERFILE) -> None:
    pipeline = f"app: {project.app}\nimage: {{platforms: [{platforms}]}}\n"
    pipeline += "tests: {layers: {unit: {command: [pytest, tests], runner: process}}}\n"
    project.change({"pipeline.yaml": pipeline, "Dockerfile": dockerfile})


@pytest.mark.parametrize("platforms", [["linux/arm64"], ["linux/arm64", "linux/s390x"]])
async def test_the_tag_is_an_index_of_every_platform(
    project: Project, own_platform: str, platforms: list[str]
) -> None:
    use(project, ", ".join([own_platform, *platforms]))
    state = await run_release(project.app)
    assert state.is_completed(), state.message
    row = await summary(project.app, state)
    digest = str(row["image"]).partition("@")[2]
    base = f"http://{project.env['SHIPWAY_REGISTRY']}/v2/{project.app}/manifests"
    for reference in (digest, project.revision):
        answer = httpx.get(f"{base}/{reference}", headers={"Accept": INDEX}).raise_for_status()
        entries = answer.json()["manifests"]
        named = [f"{one['platform']['os']}/{one['platform']['architecture']}" for one in entries]
        assert named == [own_platform, *platforms]
    assert digest in project.ops.git.show(
        f"{project.ops_log()[0]}:{project.folder}/deployment.yaml"
    )
    # The same again finds it there.
    again = await summary(project.app, await run_release(project.app))
    assert [again[key] for key in ("built", "pushed", "committed")] == [0, 0, 0]


async def test_one_platform_that_is_the_engines_own_needs_no_index(
    project: Project, own_platform: str
) -> None:
    use(project, own_platform)
    state = await run_release(project.app)
    assert state.is_completed(), state.message
    assert list(project.tags()) == [project.revision]


async def test_without_the_platform_that_is_tested_nothing_ships(project: Project) -> None:
    use(project, "linux/s390x")
    state = await run_release(project.app)
    assert state.is_failed()
    assert "The image would ship untested" in str(state.message)
    assert project.tags() == {}


@pytest.mark.parametrize(
    "platform", ["linux", "Linux/AMD64", "linux/", "linux/arm/v7/x", "", "a b/c"]
)
def test_what_is_no_platform_is_refused(platform: str) -> None:
    text = f"app: shop\nimage: {{platforms: ['{platform}']}}\n"
    with pytest.raises(RefuseError):
        read_pipeline(text + "tests: {layers: {unit: {command: [pytest]}}}\n")
