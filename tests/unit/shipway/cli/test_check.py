from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shipway.cli.check import check
from tests.support.mistakes import tell
from tests.support.signers import Person

ROOT = Path(__file__).parents[4]
PIPELINE = "app: shop\ntests: {layers: {unit: {command: [pytest]}}}\n"
ROLLOUT = "strategy: rolling\nnamespace: shop\nimages: [{file: web.yaml, container: web}]\n"
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: placeholder}]}}}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The code of an app, and an ops repository with a folder of it."""
    write(tmp_path, "code/pipeline.yaml", PIPELINE)
    write(tmp_path, "ops/prod/shop/rollout.yaml", ROLLOUT)
    write(tmp_path, "ops/prod/shop/web.yaml", WEB)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


@pytest.mark.parametrize(
    ("paths", "count"),
    [
        ([], 2),
        (["."], 2),
        (["code"], 1),
        (["ops"], 1),
        (["code", "ops", "code/pipeline.yaml"], 2),
        # As pre-commit names what is about to be committed.
        (["ops/prod/shop/web.yaml"], 1),
        (["ops/prod/shop/web.yaml", "ops/prod/shop/rollout.yaml"], 1),
    ],
)
def test_what_is_right_is_counted(
    place: Path, capsys: pytest.CaptureFixture[str], paths: list[str], count: int
) -> None:
    assert check(*map(Path, paths)) == 0
    assert said(capsys) == (f"{count} checked, 0 wrong\n", "")


CODE, ROLLOUT_FILE = "code/pipeline.yaml", "ops/prod/shop/rollout.yaml"
TEXT_COMMAND = PIPELINE.replace("[pytest]", "pytest")
MISTAKES = {
    "pipeline.yaml: a typo in a key": (CODE, PIPELINE.replace("layers", "layer"), "layers"),
    "pipeline.yaml: a command that is one text": (CODE, TEXT_COMMAND, "'pytest'"),
    "pipeline.yaml: a layer without a command": (
        CODE,
        "app: shop\ntests: {layers: {unit: {}}}\n",
        "",
    ),
    "pipeline.yaml: it is empty": (CODE, "", "The file is empty."),
    "pipeline.yaml: not YAML": (CODE, "app: [", "code/pipeline.yaml"),
    "rollout.yaml: a typo in a key": (ROLLOUT_FILE, ROLLOUT.replace("namesp", "namsp"), "namspace"),
    "rollout.yaml: no namespace": (ROLLOUT_FILE, ROLLOUT.replace("namespace: shop\n", ""), ""),
    "rollout.yaml: an unknown strategy": (
        ROLLOUT_FILE,
        ROLLOUT.replace("rolling", "big-bang"),
        "big-bang",
    ),
    "rollout.yaml: a wrong container": (ROLLOUT_FILE, ROLLOUT.replace("r: web", "r: wbe"), "wbe"),
    "rollout.yaml: a file that is not there": (
        ROLLOUT_FILE,
        ROLLOUT.replace("web.yaml", "app.yaml"),
        "app.yaml",
    ),
    "rollout.yaml: a promotion from nowhere": (
        ROLLOUT_FILE,
        f"{ROLLOUT}promotion: {{source: staging}}\n",
        "staging/shop/rollout.yaml",
    ),
    "rollout.yaml: a promotion from itself": (
        ROLLOUT_FILE,
        f"{ROLLOUT}promotion: {{source: [prod]}}\n",
        "prod ← prod",
    ),
    "a manifest that is not YAML": ("ops/prod/shop/web.yaml", "kind: [", "prod/shop/web.yaml"),
    "holds.yaml: a hold without a reason": (
        "ops/prod/shop/holds.yaml",
        "holds: [{image: a}]\n",
        "prod/shop/holds.yaml",
    ),
    "freeze.yaml: a time without a zone": (
        "ops/prod/freeze.yaml",
        "freezes: [{from: 2026-12-19, until: 2027-01-04, by: Ada, reason: b}]\n",
        "freezes.0.from",
    ),
    "an image that Flux's image automation writes too": (
        "ops/prod/shop/web.yaml",
        WEB.replace("placeholder}]", 'shop:1.2}] # {"$imagepolicy": "flux-system:shop"}\n   '),
        "docs/moving-in/flux.md",
    ),
    "an image that Argo CD takes from another file": (
        "ops/prod/shop/.argocd-source-shop.yaml",
        "kustomize: {images: ['placeholder=example.org/shop:1.2']}\n",
        "docs/moving-in/argo-cd-image-updater.md",
    ),
    "a folder whose name no app can have": ("ops/prod/Shop/rollout.yaml", ROLLOUT, "'Shop'"),
}


@pytest.mark.parametrize(
    ("root", "is_looked_at"),
    [("ops", True), ("ops/prod", False), (".", False), (None, True)],
)
def test_a_folder_that_no_release_looks_at_is_noted(
    place: Path, capsys: pytest.CaptureFixture[str], root: str | None, *, is_looked_at: bool
) -> None:
    if root:
        (place / root / ".git").mkdir()
    assert check() == 0
    out, _ = said(capsys)
    note = "note: no release looks at ops/prod/shop/rollout.yaml, but at ENVIRONMENT/APP/"
    assert (note not in out) == is_looked_at


@pytest.mark.mistake
@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_wrong_is_told_by_its_place(
    place: Path, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    name, text, words = MISTAKES[mistake]
    write(place, name, text)
    assert check() == 1
    out, err = said(capsys)
    assert words in err
    assert out.endswith("checked, 1 wrong\n")
    tell(mistake, err)


def test_waves_are_checked_across_the_folders(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, source in (("canary", None), ("eu", "canary"), ("us", "canary")):
        more = f"promotion: {{source: {source}, by_itself: true}}\n" if source else ""
        write(place, f"ops/{name}/shop/rollout.yaml", ROLLOUT + more)
        write(place, f"ops/{name}/shop/web.yaml", WEB)
    last = f"{ROLLOUT}promotion: {{source: [eu, us], by_itself: true}}\n"
    write(place, ROLLOUT_FILE, last)
    assert check() == 0
    write(place, "ops/us/shop/rollout.yaml", f"{ROLLOUT}promotion: {{source: prod}}\n")
    write(place, "ops/eu/shop/rollout.yaml", "strategy: none\n")
    assert check(Path("ops/prod")) == 1
    _, err = said(capsys)
    # What is wrong with the other file is told where that one is checked.
    assert "prod ← us ← prod" in err
    assert "none" not in err


def test_approvers_are_looked_for_beside_the_folders_of_the_apps(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ada = Person("ada@example.org", place)
    asks = "rolling: {approval: true}\napprovers: [ada@example.org]\n"
    write(place, ROLLOUT_FILE, ROLLOUT + asks)
    assert check() == 1
    assert "where:     prod/allowed_signers\n" in said(capsys)[1]
    write(place, "ops/prod/allowed_signers", ada.line())
    assert check() == 0


def test_every_problem_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(place, "code/pipeline.yaml", "app: 1\n")
    write(place, "ops/prod/shop/rollout.yaml", "strategy: rolling\n")
    assert check() == 1
    assert said(capsys)[0] == "2 checked, 2 wrong\n"


@pytest.mark.parametrize("paths", [["empty"], ["missing"], ["code/app.py"]])
def test_nothing_to_check_is_wrong_too(
    place: Path, capsys: pytest.CaptureFixture[str], paths: list[str]
) -> None:
    (place / "empty").mkdir()
    assert check(*map(Path, paths)) == 1
    assert "There is nothing to check." in said(capsys)[1]


def test_what_git_and_tools_keep_for_themselves_is_left_out(place: Path) -> None:
    write(place, ".cache/pipeline.yaml", "app: 1\n")
    assert check() == 0


def test_the_command_ends_with_the_status(place: Path) -> None:
    command = [sys.executable, "-m", "shipway.cli", "check", str(place)]
    good = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (good.returncode, good.stdout) == (0, "2 checked, 0 wrong\n")
    write(place, "code/pipeline.yaml", "app: 1\n")
    bad = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert bad.returncode == 1
    assert "pipeline.yaml" in bad.stderr


def test_the_examples_are_right() -> None:
    assert check(ROOT / "examples") == 0
