"""Build secrets: read by the build, kept nowhere."""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from docker import DockerClient
from prefect import flow
from prefect.blocks.system import Secret
from pydantic import SecretStr

from blocks.source_repository import SourceRepository
from flows.tasks.build import build
from flows.tasks.checkout import checkout
from shipway.build_secrets import BuildSecrets
from shipway.code import Code
from shipway.config.pipeline import read_pipeline
from shipway.errors import FailError, RefuseError
from shipway.git.revision import Revision
from shipway.image_builders.builder import Build
from tests.support.builders import engine_builder
from tests.support.project import Project

# Asks the agent that BuildKit stands in for how many keys it has, as ssh does.
AGENT = """
import os, socket
agent = socket.socket(socket.AF_UNIX)
agent.connect(os.environ["SSH_AUTH_SOCK"])
agent.sendall(bytes([0, 0, 0, 1, 11]))
answer = agent.makefile("rb").read(9)
print("keys:", int.from_bytes(answer[5:9], "big"))
"""
SECRETS = {
    "one line": "hunter2-{}",
    "several lines": "user = ada\npassword = hunter2-{}\n",
    "a number of digits": "99887766{}",
    "quotes and spaces": "a 'quoted' \"hunter2\" {}",
    "not ASCII": "pässwörd-{}",
}


def dockerfile(image: str, run: str) -> str:
    return f"FROM {image}\nARG MARK\nRUN {run}\n"


async def build_image(
    folder: Path, text: str, secrets: BuildSecrets, log: Callable[[str], None] = print
) -> str:
    (folder / "Dockerfile").write_text(text)
    mark = {"MARK": uuid.uuid4().hex}
    wanted = Build(
        app="secrets", context=folder, dockerfile=folder / "Dockerfile", args=mark, secrets=secrets
    )
    return await engine_builder().build(wanted, log)


def everything_of(engine: DockerClient, image: str) -> bytes:
    """What the image says of itself, and its layers."""
    found = engine.images.get(image)
    told = f"{found.attrs}{found.history()}".encode()
    return told + b"".join(found.save())


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
async def test_a_secret_is_read_and_is_in_no_layer_and_no_line(
    tmp_path: Path, python_image: str, engine: DockerClient, secret: str
) -> None:
    value = secret.format(uuid.uuid4().hex)
    run = "--mount=type=secret,id=token cat /run/secrets/token; sha256sum /run/secrets/token > /sum"
    lines: list[str] = []
    secrets = BuildSecrets(files={"token": SecretStr(value)})
    image = await build_image(tmp_path, dockerfile(python_image, run), secrets, lines.append)
    summed = engine.containers.run(image, ["cat", "/sum"], remove=True)
    assert summed.split()[0].decode() == hashlib.sha256(value.encode()).hexdigest()
    longest = max(value.splitlines(), key=len)
    assert longest not in "\n".join(lines)
    assert any("***" in line for line in lines)
    assert longest.encode() not in everything_of(engine, image)


async def test_a_step_that_fails_and_prints_a_secret(tmp_path: Path, python_image: str) -> None:
    value = f"hunter2-{uuid.uuid4().hex}"
    run = "--mount=type=secret,id=token cat /run/secrets/token >&2; exit 7"
    secrets = BuildSecrets(files={"token": SecretStr(value)})
    with pytest.raises(FailError) as caught:
        await build_image(tmp_path, dockerfile(python_image, run), secrets)
    assert value not in str(caught.value)
    assert "***" in str(caught.value)


@pytest.fixture
def ssh_key(tmp_path: Path) -> str:
    """A private key, without the end of its last line."""
    file = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)]
    subprocess.run(command, check=True)
    return file.read_text().rstrip("\n")


@pytest.mark.parametrize("ending", ["\n", "", "\n\n"], ids=["a line", "cut off", "two lines"])
async def test_a_key_is_lent_to_ssh(
    tmp_path: Path, ssh_key: str, python_image: str, engine: DockerClient, ending: str
) -> None:
    context = tmp_path / "app"
    context.mkdir()
    (context / "agent.py").write_text(AGENT)
    text = f"FROM {python_image}\nARG MARK\nCOPY agent.py /\n"
    text += "RUN --mount=type=ssh python3 /agent.py > /keys\n"
    image = await build_image(
        context, text, BuildSecrets(ssh={"default": SecretStr(ssh_key + ending)})
    )
    assert engine.containers.run(image, ["cat", "/keys"], remove=True) == b"keys: 1\n"
    assert ssh_key.splitlines()[1].encode() not in everything_of(engine, image)


@pytest.mark.parametrize("value", ["hunter2-text", {"token": "hunter2-json"}, ["hunter2-list"]])
async def test_secrets_are_blocks_of_prefect_by_name(
    tmp_path: Path, python_image: str, engine: DockerClient, value: object
) -> None:
    name = f"npm-{uuid.uuid4().hex[:8]}"
    await Secret(value=value).save(name)  # pyright: ignore[reportGeneralTypeIssues]
    run = "--mount=type=secret,id=npmrc grep -c hunter2 /run/secrets/npmrc > /count"
    (tmp_path / "Dockerfile").write_text(dockerfile(python_image, run))
    image = await _built(code_of(tmp_path, name))
    assert engine.containers.run(image, ["cat", "/count"], remove=True) == b"1\n"


async def test_a_block_that_is_not_there_is_named(tmp_path: Path, python_image: str) -> None:
    (tmp_path / "Dockerfile").write_text(dockerfile(python_image, "true"))
    with pytest.raises(RefuseError, match="There is no Secret block 'nowhere'"):
        await _built(code_of(tmp_path, "nowhere"))


async def test_only_secrets_that_the_apps_block_lists_are_read(
    project: Project, tmp_path: Path
) -> None:
    tests = "tests: {layers: {unit: {command: [pytest]}}}\n"
    image = f"app: {project.app}\nimage: {{secrets: {{npmrc: npm}}}}\n"
    project.change({"pipeline.yaml": f"{image}{tests}"})
    with pytest.raises(RefuseError, match="may not read these secrets"):
        await _checked_out(project.app, tmp_path / "refused")
    block = await SourceRepository.aload(project.app)
    listed = block.model_copy(update={"build_secrets": ["npm"]})
    await listed.asave(project.app, overwrite=True)  # pyright: ignore[reportAttributeAccessIssue]
    code = await _checked_out(project.app, tmp_path / "allowed")
    assert code.pipeline.image.secrets == {"npmrc": "npm"}


def code_of(folder: Path, block: str) -> Code:
    text = f"app: shop\nimage: {{secrets: {{npmrc: {block}}}}}\n"
    text += "tests: {layers: {unit: {command: [pytest]}}}\n"
    at = datetime.now(UTC)
    revision = Revision(commit="c" * 40, tree="d" * 40, author="Ada", subject="A change", at=at)
    return Code(app="shop", revision=revision, pipeline=read_pipeline(text), folder=folder)


@flow
async def _checked_out(app: str, folder: Path) -> Code:
    return await checkout(app, None, folder)


@flow
async def _built(code: Code) -> str:
    return await build(code, "image")
