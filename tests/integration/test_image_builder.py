"""Image builds, on the real engine with BuildKit."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

import pytest
from docker import DockerClient

from blocks.image_builder import ImageBuilder
from shipway.errors import FailError, RefuseError


@pytest.fixture
def context(tmp_path: Path, python_image: str) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(
        f"FROM {python_image} AS first\nARG NAME=nobody\nRUN echo $NAME > /name\n"
        "FROM first AS slow\nARG MARK\nRUN echo $MARK; sleep 300\n"
        "FROM first AS broken\nRUN echo the reason >&2; exit 7\n"
        "FROM first AS last\nRUN echo last >> /name\n"
    )
    return folder


async def build(
    context: Path, target: str | None, lines: list[str] | None = None, **options: object
) -> str:
    builder = ImageBuilder(cli=os.environ["SHIPWAY_DOCKER_CLI"]).open()
    log = (lines if lines is not None else []).append
    return await builder.build(
        context, context / "Dockerfile", target, {"NAME": "Ada"}, {"a": "b"}, log, **options
    )


async def test_a_target_is_built_with_arguments_and_labels(
    context: Path, engine: DockerClient
) -> None:
    image = engine.images.get(await build(context, "first"))
    assert image.labels == {"a": "b"}
    assert engine.containers.run(image.id, ["cat", "/name"], remove=True) == b"Ada\n"


async def test_without_a_target_the_last_stage_is_built(
    context: Path, engine: DockerClient
) -> None:
    image = await build(context, None)
    assert engine.containers.run(image, ["cat", "/name"], remove=True) == b"Ada\nlast\n"


async def test_the_same_again_is_the_same_image(context: Path) -> None:
    assert await build(context, "last") == await build(context, "last")


async def test_without_cache_every_step_runs_again(context: Path) -> None:
    await build(context, "last")
    cached: list[str] = []
    again: list[str] = []
    await build(context, "last", cached)
    await build(context, "last", again, no_cache=True)
    assert any(line.endswith("CACHED") for line in cached)
    assert not any(line.endswith("CACHED") and "RUN" in line for line in again)


async def test_a_step_that_fails_fails_in_its_own_words(context: Path) -> None:
    with pytest.raises(FailError) as caught:
        await build(context, "broken")
    assert caught.value.what == "The image does not build."
    assert "the reason" in str(caught.value.facts["got"])
    assert "exit code: 7" in str(caught.value.facts["got"])
    assert caught.value.facts["where"] == "Dockerfile:8"


async def test_no_dockerfile_is_refused(context: Path) -> None:
    (context / "Dockerfile").unlink()
    with pytest.raises(RefuseError, match="There is no Dockerfile"):
        await build(context, None)


async def test_no_docker_command_is_refused(context: Path) -> None:
    builder = ImageBuilder(cli="/no/docker").open()
    with pytest.raises(RefuseError, match="There is no docker command"):
        await builder.build(context, context / "Dockerfile", None, {}, {}, lambda line: None)


async def test_cancelling_ends_the_build_on_the_engine(context: Path) -> None:
    mark = uuid.uuid4().hex
    dockerfile = context / "Dockerfile"
    dockerfile.write_text(dockerfile.read_text().replace("ARG MARK", f"ARG MARK={mark}"))
    begun = asyncio.Event()

    class Lines(list[str]):
        def append(self, line: str) -> None:
            if line.endswith(mark):
                begun.set()

    work = asyncio.create_task(build(context, "slow", Lines()))
    await begun.wait()
    assert _sleepers(mark)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    async with asyncio.timeout(30):
        while _sleepers(mark):  # noqa: ASYNC110  # another process ends it
            await asyncio.sleep(0.1)


def _sleepers(mark: str) -> list[Path]:
    """The build's processes on this machine, whatever namespace they are in."""
    return [
        entry
        for entry in Path("/proc").glob("[0-9]*")
        if mark.encode() in _read(entry / "environ") and b"sleep" in _read(entry / "cmdline")
    ]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
