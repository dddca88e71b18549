from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from shipway.cli.check import check
from shipway.cli.init import init
from shipway.config.pipeline import read_pipeline
from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError
from shipway.kubernetes.objects import read_objects
from tests.support.trees import write_tree

HOME = Path(__file__).parents[4]
OWN = ["Dockerfile", "pipeline.yaml"]
MANIFESTS = ["deployment.yaml", "namespace.yaml", "rollout.yaml", "service.yaml"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's app in a folder, where one is, and an ops repository beside it."""
    shutil.copytree(HOME / "examples" / "hello", tmp_path / "hello")
    (tmp_path / "ops").mkdir()
    monkeypatch.chdir(tmp_path / "hello")
    return tmp_path


OPS = Path("../ops")


def files(root: Path) -> dict[str, str]:
    """All files below a folder, by their paths."""
    return {
        file.relative_to(root).as_posix(): file.read_text("utf-8")
        for file in root.rglob("*")
        if file.is_file()
    }


def test_all_files_are_written_and_right(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = files(place)
    assert init(environment=("staging", "production"), ops=OPS) == 0
    said = capsys.readouterr().out.splitlines()
    folders = ["ops/production/hello", "ops/staging/hello"]
    new = {"hello/pipeline.yaml", *(f"{each}/{name}" for each in folders for name in MANIFESTS)}
    assert files(place).keys() - before.keys() == new
    wrote = [line.split() for line in said if line.startswith("wrote ")]
    assert {os.path.relpath(words[1].rstrip(":"), "..") for words in wrote} == new
    assert [words for words in wrote if len(words) < 5] == []
    assert "is there  Dockerfile" in said
    assert check(place) == 0
    assert capsys.readouterr().out == "3 checked, 0 wrong\n"


def test_a_second_time_nothing_is_written(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    init(ops=OPS)
    write_tree(place, {"ops/staging/hello/rollout.yaml": "strategy: by hand\n"})
    (place / "ops/staging/hello/service.yaml").unlink()
    before = files(place)
    capsys.readouterr()
    assert init(ops=OPS) == 0
    assert files(place) == before
    said = capsys.readouterr().out.splitlines()
    assert said == [f"is there  {name}" for name in (*OWN, "../ops/staging/hello")]


def test_beside_manifests_of_others_only_a_rollout_yaml_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shops}\n"
        "spec: {template: {spec: {containers: [{name: hello, image: 'acme/hello:1'}]}}}\n"
    )
    write_tree(place, {"ops/staging/hello/all.yaml": text})
    assert init(ops=OPS) == 0
    there = place / "ops/staging/hello"
    assert {file.name for file in there.iterdir()} == {"all.yaml", "rollout.yaml"}
    assert (there / "all.yaml").read_text() == text
    assert check(place / "ops") == 0
    assert "rollout.yaml: the manifests are there; hello has the app's image" in (
        capsys.readouterr().out
    )


def test_an_image_that_somebody_else_writes_leaves_all_as_it_is(place: Path) -> None:
    text = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shops}\nspec:\n"
        "  template:\n    spec:\n      containers:\n        - name: hello\n"
        '          image: acme/hello:1 # {"$imagepolicy": "flux-system:hello"}\n'
    )
    write_tree(place, {"ops/staging/hello/all.yaml": text})
    before = files(place)
    with pytest.raises(RefuseError, match="Flux's image automation"):
        init(ops=OPS)
    assert files(place) == before


def test_a_folder_of_folders_is_left_as_it_is(place: Path) -> None:
    write_tree(place, {"ops/staging/hello/base/all.yaml": "kind: none\n"})
    before = files(place / "ops")
    assert init(ops=OPS) == 0
    assert files(place / "ops") == before


def test_an_environment_is_added_later_under_the_apps_own_name(place: Path) -> None:
    init("greeter", ops=OPS)
    assert init(environment=("production",), ops=OPS) == 0
    assert sorted(path.parent.as_posix() for path in (place / "ops").rglob("rollout.yaml")) == [
        (place / "ops" / environment / "greeter").as_posix()
        for environment in ("production", "staging")
    ]


def test_a_dry_run_prints_what_would_be_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(place)
    assert init(dry_run=True) == 0
    assert files(place) == before
    said = capsys.readouterr().out
    for name in ("pipeline.yaml", *(f"staging/hello/{each}" for each in MANIFESTS)):
        assert f"\n# {name}: " in said
    assert "\nstrategy: rolling\n" in said


def test_without_an_ops_repository_its_files_are_left_out(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init() == 0
    assert "left out  staging/hello: name a clone of the ops repository with --ops" in (
        capsys.readouterr().out.splitlines()
    )
    assert (place / "hello/pipeline.yaml").is_file()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ops": Path("../none")}, "There is no such folder."),
        ({"environment": ("Staging",)}, "'environment' is no name"),
        ({"app": "a/b"}, "'app' is no name"),
        # As a namespace, the two names are one.
        ({"app": "a" * 60}, "namespace"),
        ({"app": "null"}, "app"),
    ],
)
def test_what_is_refused_writes_nothing(place: Path, given: dict[str, str], words: str) -> None:
    before = files(place)
    with pytest.raises(RefuseError, match=words):
        init(**({"ops": OPS} | given))  # pyright: ignore[reportArgumentType]
    assert files(place) == before


def deployment(place: Path, dockerfile: str) -> dict[str, object]:
    """The pod's spec for the README's app with another Dockerfile."""
    write_tree(place, {"hello/Dockerfile": dockerfile})
    init(ops=OPS)
    folder = place / "ops/staging/hello"
    content = {file.name: file.read_bytes() for file in folder.iterdir()}
    namespace = read_rollout(content.pop("rollout.yaml").decode()).namespace
    objects = {each.kind: each for each in read_objects(content, "staging/hello")}
    assert objects["Namespace"].name == namespace == "hello-staging"
    assert ("Service" in objects) == ("EXPOSE" in dockerfile)
    return objects["Deployment"].body["spec"]["template"]["spec"]


RUNS = "FROM python\nRUN pip install pytest\nCOPY . .\n"


def test_an_app_without_a_port_has_no_service_and_no_probe(place: Path) -> None:
    (container,) = deployment(place, RUNS)["containers"]
    assert {"ports", "readinessProbe", "lifecycle"} & container.keys() == set()


@pytest.mark.parametrize(
    ("more", "probe"),
    [
        ("EXPOSE 8080\n", {"tcpSocket": {"port": "http"}}),
        (
            "EXPOSE 8080\nHEALTHCHECK CMD curl http://localhost:8080/up\n",
            {"httpGet": {"path": "/up", "port": "http"}},
        ),
    ],
)
def test_a_port_is_probed_as_something_says(
    place: Path, more: str, probe: dict[str, object]
) -> None:
    spec = deployment(place, RUNS + more)
    (container,) = spec["containers"]
    assert container["readinessProbe"] == {**probe, "periodSeconds": 1}
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert "securityContext" not in spec


def test_a_user_with_a_number_is_held_to_it(place: Path) -> None:
    spec = deployment(place, f"{RUNS}USER 1000\n")
    assert spec["securityContext"] == {"runAsNonRoot": True}
    (container,) = spec["containers"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("example", ["shop", "languages/go", "languages/node", "pulse/app"])
def test_the_examples_are_seen_as_people_wrote_them_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    shutil.copytree(HOME / "examples" / example, tmp_path / "app")
    file = tmp_path / "app" / "pipeline.yaml"
    by_hand = read_pipeline(file.read_text("utf-8"))
    file.unlink()
    monkeypatch.chdir(tmp_path / "app")
    init()
    written = read_pipeline(file.read_text("utf-8"))
    assert written.image.target == by_hand.image.target
    assert written.tests.target == by_hand.tests.target
    assert {name: layer.tool_name for name, layer in written.tests.layers.items()} == {
        name: layer.tool_name for name, layer in by_hand.tests.layers.items()
    }
