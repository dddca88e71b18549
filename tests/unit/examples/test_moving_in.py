"""Teams that move in: their files before and after, in a real Git repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from shipway.app_environment import AppEnvironment
from shipway.cli.check import check
from shipway.cli.init import init
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollback.commit import Reason, commit_rollback
from shipway.rollout.commit import commit_release
from shipway.rollout.target import Target, target_of
from tests.support.origin import Origin
from tests.support.project import HOME
from tests.support.run_contexts import run_context

EXAMPLES = HOME / "examples" / "moving-in"
SHOP = AppEnvironment(app="shop", environment="production")
FOLDER = Path("production/shop")
DIGEST = f"sha256:{'1' * 64}"
IMAGE = ImageRef.parse(f"ghcr.io/acme/shop@{DIGEST}")
# The file that has the image.
ORIGINS = {
    "github-actions": "deployment.yaml",
    "argo-cd-image-updater": "kustomization.yaml",
    "flux": "deployment.yaml",
    "jenkins": "values.yaml",
}
# Where another tool would write over a release, or past it.
WRITTEN = {
    "argo-cd-image-updater": ".argocd-source-production-shop.yaml",
    "flux": "deployment.yaml:15",
}


class Moved:
    """An ops repository with the files of one way to release, and a revision of the app."""

    def __init__(self, ops: Origin, app: Origin, files: Path) -> None:
        self.origin = ops
        shutil.copytree(files, ops.tree, dirs_exist_ok=True)
        self.start = ops.commit_tree("moved in")
        self.ops, self.source = OpsRepository(url=ops.url), SourceRepository(url=app.url)
        self.revision = self.source.resolve(app.commit({"shop.py": b"1"}))

    @property
    def target(self) -> Target:
        return target_of(self.ops.fetch(SHOP))

    def release(self, image: ImageRef = IMAGE) -> str:
        """Commit a release of the revision."""
        target, release = self.target, Release(revision=self.revision, image=image)
        (step,) = target.plan(image)
        run = run_context(1)
        return commit_release(self.ops, self.source, target, step, release, {}, run).commit

    def roll_back(self) -> str:
        """Commit the way back."""
        reason = Reason(why="it fails", by="Ada")
        target, run = self.target, run_context(2)
        done = commit_rollback(self.ops, self.source, target, None, reason, run)
        return done.commit.commit

    def files(self, commit: str) -> dict[str, str]:
        names = str(self.origin.bare.git.ls_tree("-r", "--name-only", commit)).splitlines()
        return {name: str(self.origin.bare.git.show(f"{commit}:{name}")) for name in names}


def changed(before: str, after: str) -> list[str]:
    """The lines that differ, with a sign for how."""
    lines = ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def moved(name: str, state: str, origin: Origin, tmp_path: Path) -> Moved:
    return Moved(origin, Origin(tmp_path / "app"), EXAMPLES / name / state)


@pytest.mark.parametrize("name", ORIGINS)
def test_the_files_of_a_team_that_has_moved_in_are_right(name: str) -> None:
    assert check(EXAMPLES / name / "after") == 0


@pytest.mark.parametrize("name", ORIGINS)
def test_another_writer_is_named_by_its_place_and_with_the_page_that_ends_it(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLES / name / "before", tmp_path, dirs_exist_ok=True)
    shutil.copy(EXAMPLES / name / "after" / FOLDER / "rollout.yaml", tmp_path / FOLDER)
    assert check(tmp_path) == (name in WRITTEN)
    said = capsys.readouterr().err
    if name in WRITTEN:
        assert f"where:     {FOLDER}/{WRITTEN[name]}\n" in said
        (page,) = re.findall(r"docs/moving-in/\S+\.md", said)
        assert (HOME / page).is_file()


@pytest.mark.parametrize("name", ORIGINS)
def test_a_release_changes_one_line_and_a_rollback_puts_it_back(
    name: str, origin: Origin, tmp_path: Path
) -> None:
    shop = moved(name, "after", origin, tmp_path)
    (there,) = shop.target.images
    image = ImageRef.parse(there).model_copy(update={"digest": DIGEST})
    commit, file = shop.release(image), f"{FOLDER}/{ORIGINS[name]}"
    released, before = shop.files(commit), shop.files(shop.start)
    assert released.keys() - before.keys() == {f"{FOLDER}/RELEASE"}
    assert {each for each in before if before[each] != released[each]} == {file}
    old, new = changed(before[file], released[file])
    # The tag of Helm values is the revision's.
    tags = {"build-118": shop.revision.commit, there.partition("@")[2]: DIGEST}
    for was, now in tags.items():
        old = old.replace(was, now)
    assert old[1:] == new[1:]
    # What stood there by hand, by digest, is a way back like any other.
    shop.roll_back()
    assert shop.target.images == [there]


def test_from_a_tag_there_is_no_way_back(origin: Origin, tmp_path: Path) -> None:
    shop = moved("github-actions", "before", origin, tmp_path)
    rollout = EXAMPLES / "github-actions" / "after" / FOLDER / "rollout.yaml"
    origin.commit({f"{FOLDER}/rollout.yaml": rollout.read_bytes()})
    shop.release()
    with pytest.raises(RefuseError, match="There is no release to go back to"):
        shop.roll_back()


def test_the_value_is_the_one_that_yq_sets(origin: Origin, tmp_path: Path) -> None:
    workflow = (EXAMPLES / "github-actions" / "before" / "deploy.yaml").read_text()
    path = re.findall(r"yq -i '(\S+) = strenv\(IMAGE\)'", workflow)[0]
    shop = moved("github-actions", "after", origin, tmp_path)
    file = f"{FOLDER}/deployment.yaml"
    before, after = (
        yaml.safe_load(shop.files(commit)[file]) for commit in (shop.start, shop.release())
    )
    place: Any = before
    *above, last = [
        int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)
    ]
    for part in above:
        place = place[part]
    assert place[last] != str(IMAGE)
    place[last] = str(IMAGE)
    assert before == after


def test_sed_changes_a_second_image_where_a_release_does_not(tmp_path: Path) -> None:
    pipeline = (EXAMPLES / "jenkins" / "before" / "Jenkinsfile").read_text()
    expression = re.findall(r'sed -i "(s\|.*?)"', pipeline)[0].replace("$TAG", "build-119")
    file = tmp_path / "values.yaml"
    shutil.copy(EXAMPLES / "jenkins" / "before" / FOLDER / "values.yaml", file)
    before = file.read_text()
    subprocess.run(["sed", "-i", expression, file], check=True)
    lines = changed(before, file.read_text())
    assert len([line for line in lines if line.startswith("+ ") and "build-119" in line]) == 2


@pytest.mark.parametrize("name", sorted(ORIGINS.keys() - {"jenkins"}))
def test_init_writes_the_rollout_yaml_of_what_is_there(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    after = EXAMPLES / name / "after"
    shutil.copytree(HOME / "examples" / "hello", tmp_path / "shop")
    shutil.copytree(after, tmp_path / "ops")
    (tmp_path / "ops" / FOLDER / "rollout.yaml").unlink()
    monkeypatch.chdir(tmp_path / "shop")
    assert init(environment=("production",), ops=Path("../ops")) == 0
    written = (tmp_path / "ops" / FOLDER / "rollout.yaml").read_text()
    meant = (after / FOLDER / "rollout.yaml").read_text()
    # Which object of the agent it is, people add.
    assert meant.partition("external_agent:")[0] == written


def test_what_helm_renders_is_written_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(HOME / "examples" / "hello", tmp_path / "shop")
    shutil.copytree(EXAMPLES / "jenkins" / "before", tmp_path / "ops")
    monkeypatch.chdir(tmp_path / "shop")
    with pytest.raises(RefuseError, match=r"docs/moving-in/jenkins\.md"):
        init(environment=("production",), ops=Path("../ops"))
