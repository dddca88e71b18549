"""A repository with several services, each an app with tiny images, and their ops folders."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from git import Repo

from blocks.source_repository import SourceRepository
from deployments.bootstrap import login, save
from examples import repositories
from shipway.git.record import RECORD_FILE, write_record

# It sees its folder and what it uses, and nothing else of the repository.
TEST = """\
test ! -e ../../README.md
{looks}
printf '<testsuite><testcase classname="service" name="works"/></testsuite>' > "$SHIPWAY_JUNIT"
"""
PIPELINE = """\
app: {app}
uses: [{uses}]
needs: [{needs}]
image: {{context: /}}
tests:
  layers:
    unit: {{command: [sh, -e, test.sh], tool: junit, runner: process}}
"""
DOCKERFILE = """\
FROM scratch
{copies}
"""
ROLLOUT = """\
strategy: rolling
namespace: {app}
images: [{{file: deployment.yaml, container: app}}]
agent: external
{more}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: app}}
spec:
  selector: {{matchLabels: {{app: app}}}}
  template:
    metadata: {{labels: {{app: app}}}}
    spec:
      containers:
        - name: app
          image: {image}
"""
MONEY = "libs/money/rates"
APPROVAL = "rolling: {approval: true}"


@dataclass(frozen=True)
class Monorepo:
    """Services of a repository, all of which an environment has at its first revision.

    Attributes:
        prefix: What the names of the services begin with.
        names: The services, without it.
    """

    prefix: str
    names: tuple[str, ...]
    code: Repo
    ops: Repo
    env: Mapping[str, str]

    def app(self, name: str) -> str:
        """The app that a service is."""
        return f"{self.prefix}-{name}"

    def change(self, files: Mapping[str, str]) -> str:
        """Commit to the repository and push; return the commit."""
        return repositories.commit(self.code, "A change", files)

    def write_ops(self, files: Mapping[str, str]) -> str:
        """Commit to the ops repository, and push; return the commit."""
        return repositories.commit(self.ops, f"By hand: {self.prefix}", files)

    def written(self, since: str) -> list[str]:
        """The services whose ops folders commits since then have changed, oldest first."""
        self.ops.git.fetch("origin", "main")
        place = f"staging/{self.prefix}-*"
        log = str(
            self.ops.git.log(
                "--reverse", "--format=", "--name-only", f"{since}..FETCH_HEAD", "--", place
            )
        )
        apps = [line.split("/")[1] for line in log.splitlines() if line.endswith(RECORD_FILE)]
        return [app.removeprefix(f"{self.prefix}-") for app in apps]

    def tip(self) -> str:
        """The tip of the ops repository."""
        self.ops.git.fetch("origin", "main")
        return str(self.ops.git.rev_parse("FETCH_HEAD"))

    def has(self, name: str, file: str) -> str:
        """A file of a service's ops folder at the tip; empty where it is not there."""
        path = f"staging/{self.app(name)}/{file}"
        self.ops.git.fetch("origin", "main")
        is_there = self.ops.git.ls_tree("--name-only", "FETCH_HEAD", path)
        return str(self.ops.git.show(f"FETCH_HEAD:{path}")) if is_there else ""

    def pushed(self) -> dict[str, list[str]]:
        """The tags that the registry has, by service, of those that have any."""
        base = f"http://{self.env['SHIPWAY_REGISTRY']}/v2"
        tags = {
            name: httpx.get(f"{base}/{self.app(name)}/tags/list").json().get("tags") or []
            for name in self.names
        }
        return {name: those for name, those in tags.items() if those}


@asynccontextmanager
async def monorepo(
    env: dict[str, str],
    folder: Path,
    needs: Mapping[str, str],
    money: Iterable[str] = (),
    approvals: Iterable[str] = (),
) -> AsyncGenerator[Monorepo]:
    """A repository with services, released and known; their ops folders are gone afterwards.

    Args:
        env: The sandbox.
        folder: Where clones go.
        needs: The services, and which others each needs.
        money: Those that use the library.
        approvals: Those whose releases a person has to approve.
    """
    prefix = f"mono-{uuid.uuid4().hex[:6]}"
    content = folder / "content"
    files = {"README.md": "Services.\n", MONEY: "1\n"}
    for name, needed in needs.items():
        files |= _service(prefix, name, needed.split(), uses_money=name in money)
    for path, text in files.items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text(text)
    code = repositories.create(prefix, content, {}, env)
    ops = repositories.clone("ops", folder / "ops", env)
    made = Monorepo(prefix, tuple(needs), code, ops, env)
    first = code.head.commit.hexsha
    placed = dict[str, str]()
    for name in needs:
        more = APPROVAL if name in approvals else ""
        placed |= _released(made.app(name), first, env["SHIPWAY_REGISTRY"], more)
    made.write_ops(placed)
    blocks = {
        made.app(name): SourceRepository(
            url=code.remote().url,
            folder=f"services/{name}",
            allows_processes=True,
            **login(env),
        )
        for name in needs
    }
    await save({f"source-repository/{app}": block for app, block in blocks.items()})
    try:
        yield made
    finally:
        for app in blocks:
            await SourceRepository.adelete(app)
        ops.git.pull("--rebase", "origin", "main")
        ops.git.rm("-r", "--ignore-unmatch", *(f"staging/{app}" for app in blocks))
        made.write_ops({})


def _service(prefix: str, name: str, needs: list[str], *, uses_money: bool) -> dict[str, str]:
    uses = ["services/shared", *(["libs/money"] if uses_money else [])]
    pipeline = PIPELINE.format(
        app=f"{prefix}-{name}",
        uses=", ".join(uses),
        needs=", ".join(f"{prefix}-{needed}" for needed in needs),
    )
    looks = f"test -s ../../{MONEY}" if uses_money else "test ! -e ../../libs"
    copied = [f"services/{name}/value", *([MONEY] if uses_money else [])]
    return {
        "services/shared/settings": "1\n",
        f"services/{name}/pipeline.yaml": pipeline,
        f"services/{name}/Dockerfile": DOCKERFILE.format(
            copies="\n".join(f"COPY {path} /{path}" for path in copied)
        ),
        f"services/{name}/test.sh": TEST.format(looks=looks),
        f"services/{name}/value": "1\n",
    }


def _released(app: str, revision: str, registry: str, more: str) -> dict[str, str]:
    """The ops folder of an app, as a release of a revision leaves it."""
    image = f"{registry}/{app}@sha256:{'1' * 64}"
    record = {"Revision": revision, "Image": image, "Step": "1/1 rolling", "Run": "by hand"}
    place = f"staging/{app}"
    return {
        f"{place}/rollout.yaml": ROLLOUT.format(app=app, more=more),
        f"{place}/deployment.yaml": DEPLOYMENT.format(image=image),
        f"{place}/{RECORD_FILE}": write_record(record).decode(),
    }
