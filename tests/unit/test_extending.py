"""docs/extending.md: each part is one file and one line, and works."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr

from blocks.forge import Forge
from blocks.ops_repository import OpsRepository
from shipway.agents.verdict import judge
from shipway.app_environment import AppEnvironment
from shipway.config.pipeline import read_pipeline
from shipway.config.rollout import read_rollout
from shipway.errors import FailError, RefuseError
from shipway.forges.api import CommitStatus
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.pyramid.results import TestResult
from shipway.rollout.target import target_of
from shipway.runners.registry import RUNNERS
from shipway.test_tools.registry import TOOLS
from shipway.test_tools.tool import Ended, Invocation
from tests.support import canary_folder
from tests.support.environments import spec_of
from tests.support.origin import Origin
from tests.support.project import HOME

SHOP = AppEnvironment(app="shop", environment="prod")
PAGE = (HOME / "docs" / "extending.md").read_text("utf-8")
PARTS = (
    *("strategy", "kind of gate", "traffic router", "kind of agent"),
    *("test tool", "runner", "forge"),
)
IMAGE = f"registry/shop@sha256:{'1' * 64}"

Add = Callable[[str], ModuleType]


def blocks_of(part: str) -> list[str]:
    """The Python of a part's section."""
    section = re.search(rf"^## A {part}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section is not None, part
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Add:
    """Adds a part as the page says: its file, and its line in the registry."""

    def added(part: str) -> ModuleType:
        file, line = blocks_of(part)
        name = f"extending_{part.replace(' ', '_')}"
        if part == "forge":
            name = "mail"
        path = tmp_path / f"{name}.py"
        path.write_text(file)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        registry, key, value = re.fullmatch(r'(\w+)\["(\w+)"\] = (\w+)\n', line).groups()  # pyright: ignore[reportOptionalMemberAccess]
        known = getattr(importlib.import_module(registry_of(part)), registry)
        monkeypatch.setitem(known, key, vars(module).get(value, module))
        return module

    return added


def registry_of(part: str) -> str:
    """The module that the page names for the line."""
    named = re.search(
        rf"^## A {part}$.*?The line, in `(\S+?)(?:/__init__)?\.py`:", PAGE, re.MULTILINE | re.DOTALL
    )
    assert named is not None
    return named[1].replace("/", ".")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_one_file_and_one_line(part: str) -> None:
    file, line = blocks_of(part)
    assert file.startswith('"""')
    assert line.count("\n") == 1
    registry = line.partition("[")[0]
    assert registry in vars(importlib.import_module(registry_of(part)))


def folder(files: dict[str, bytes]) -> OpsFolder:
    return OpsFolder(app_environment=SHOP, commit="1" * 40, files=files)


def test_the_strategy_plans(add: Add) -> None:
    add("strategy")
    web = (
        b"kind: Deployment\napiVersion: apps/v1\nmetadata: {name: shop}\nspec: {template: {spec: {"
    )
    web += b"containers: [{name: web, image: shop}]}}}\n"
    text = b"strategy: recreate\nnamespace: shop\nimages: [{file: web.yaml, container: web}]\n"
    target = target_of(folder({"rollout.yaml": text, "web.yaml": web}))
    (step,) = target.plan(IMAGE)
    assert (step.name, step.pause_seconds) == ("1/1 recreate", 5)
    assert [edit.value for edit in step.edits] == [IMAGE]


async def test_the_gate_measures(add: Add, tmp_path: Path) -> None:
    module = add("kind of gate")
    path = tmp_path / "go"
    text = f"{ROLLING}gates: [{{name: go, interval_seconds: 2, file: {{path: {path}}}}}]\n"
    (gate,) = read_rollout(text).gates
    assert gate.settings == module.FileGate(path=str(path))
    probe = gate.settings.probe(gate, None)  # pyright: ignore[reportArgumentType]  # it asks nobody
    assert (await probe.measure()).verdict == "fail"
    path.touch()
    assert (await probe.measure()).verdict == "pass"
    (relative,) = read_rollout(text.replace(str(path), "go")).gates
    with pytest.raises(RefuseError, match="not absolute"):
        await relative.settings.check("gates.0", None)


ROLLING = "strategy: rolling\nnamespace: shop\nimages: [{file: web.yaml, container: web}]\n"
SPLIT = b"""\
apiVersion: split.smi-spec.io/v1alpha4
kind: TrafficSplit
metadata: {name: shop}
spec: {service: shop, backends: [{service: a, weight: 100}, {service: b, weight: 0}]}
"""


def test_the_router_shares_the_requests_out(add: Add) -> None:
    add("traffic router")
    files = canary_folder.folder(split_yaml=SPLIT)
    files = {
        name: content.replace(b"shop:unreleased", IMAGE.encode()) for name, content in files.items()
    }
    text = canary_folder.ROLLOUT.replace(b"{http_route: shop}", b"{traffic_split: shop}")
    target = target_of(folder({**files, "rollout.yaml": text}))
    steps = target.plan(IMAGE.replace("1" * 64, "2" * 64))
    edits = [edit for step in steps for edit in step.edits]
    weights = [edit.value for edit in edits if edit.field.name == "/spec/backends/1/weight"]
    assert weights == [1, 10, 50, 0]


def test_the_agent_says_what_it_has_applied(add: Add) -> None:
    add("kind of agent")
    text = f"{ROLLING}agent: external\nexternal_agent: {{fleet: {{git_repo: ops}}}}\n"
    external = read_rollout(text).external_agent
    assert external is not None
    (ref,) = external.settings.objects
    commit = "a" * 40
    ready = {"type": "Ready", "status": "True"}
    for spec, condition, says in (
        ({}, ready, "applied"),
        ({"paused": True}, ready, "suspended"),
        ({}, {**ready, "status": "False", "message": "no such kind"}, "failing"),
        ({}, {**ready, "type": "Other"}, "unknown"),
    ):
        body = {"spec": spec, "status": {"commit": commit, "conditions": [condition]}}
        assert judge(external.settings.state({ref: body}), {commit}).says == says


def test_the_tool_reads_its_command(add: Add, tmp_path: Path) -> None:
    add("test tool")
    text = "app: shop\ntests: {layers: {unit: {command: [cargo, test]}}}\n"
    layer = read_pipeline(text).tests.layers["unit"]
    assert (layer.tool_name, layer.splits) == ("cargo", False)
    tool = TOOLS[layer.tool_name].create(layer.tool_settings, tmp_path, fail_fast=True)
    reader = tool.reader()
    events = reader.feed(b"test cart::total ... ok\ntest cart::tax ... FAILED\n")
    tests = [event for event in events if isinstance(event, TestResult)]
    outcomes = [(test.name, test.outcome) for test in tests]
    assert outcomes == [("cart::total", "passed"), ("cart::tax", "failed")]
    assert reader.finish(Ended(status=101), "") == ()
    with pytest.raises(FailError, match="although no test did"):
        tool.reader().finish(Ended(status=101), "")


async def test_the_runner_runs(add: Add, tmp_path: Path) -> None:
    add("runner")
    text = "app: shop\ntests: {layers: {unit: {command: [pytest], runner: nice, reads: [src]}}}\n"
    assert read_pipeline(text).tests.layers["unit"].runner == "nice"
    runner = RUNNERS["nice"]()
    printed: list[bytes] = []
    async with runner.environment(spec_of(code=tmp_path)) as environment:
        ended = await environment.run(Invocation(command=["nice"], env={}), printed.append)
    assert (ended.status, b"".join(printed)) == (0, b"19\n")


def test_the_forge_opens_a_request_and_sets_a_status(
    add: Add, origin: Origin, tmp_path: Path
) -> None:
    add("forge")
    before, after = b"image: a\n", b"image: b\n"
    origin.commit({"prod/shop/web.yaml": before})
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    review = Forge(
        kind="mail",
        api_url=outbox.as_uri(),
        project="acme/ops",
        token=SecretStr("none"),
        merge_timeout_seconds=10,
        poll_seconds=0.01,
    )

    def propose(snapshot: OpsFolder, _history: History) -> Proposal | None:
        if snapshot.files["web.yaml"] == after:
            return None
        return Proposal(changes={"prod/shop/web.yaml": after}, message="shop 1 → prod\n\nwhy\n")

    def merge(address: str) -> None:
        title = Path(address.removeprefix("file://")).read_text("utf-8").partition("\n")[0]
        assert title == "shop 1 → prod"
        branches = str(origin.bare.git.for_each_ref("--format=%(refname)", "refs/heads/shipway"))
        origin.bare.git.update_ref("refs/heads/main", branches)

    ops = OpsRepository(url=origin.url, review=review)
    assert ops.commit(SHOP, propose, merge).new
    status = CommitStatus(commit="c", context="shipway/prod", state="success", words="ok", url=None)
    review.set_status(status)
    assert (outbox / "c-shipway-prod.txt").read_text().startswith("shipway/prod: success\n\nok")
