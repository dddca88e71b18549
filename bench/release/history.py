"""One more release into an ops repository that has had 10,000."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from git import Repo

from bench.common.quiet import MOST_AGAIN, Quiet
from bench.common.rounds import ROUNDS, how, rounds
from bench.common.script_env import script_env
from bench.common.section import Section
from bench.gitops.races import ENVIRONMENT, MANIFEST, ROLLOUT, image_of
from bench.release.part import Part, ratio, spread
from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from examples import repositories
from shipway.app_environment import AppEnvironment
from shipway.git.ops_folder import OpsFolder
from shipway.git.revision import Revision
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.commit_message import release_proposal
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import target_of

RELEASES, APPS = 10_000, 100
SCRIPT, FIRST, LATER = "clone, yq -i, push", "Shipway, first on a worker", "Shipway, later"
_SCRIPT = """
cd "$(mktemp -d)"; git clone --quiet "$URL" clone; cd clone
"$YQ" -i '.spec.template.spec.containers[0].image = strenv(IMAGE)' "$MANIFEST"
git commit --quiet --all --message release; git push --quiet origin HEAD:main
"""


class Repositories(NamedTuple):
    """Both repositories, and the app's commits from the oldest on."""

    ops: OpsRepository
    source: SourceRepository
    commits: list[str]


def history(quiet: Quiet) -> Part:
    """The script, a worker that never saw the repository, and one that did, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        places = _repositories(folder)
        numbers = iter(range(1, len(places.commits)))
        states = Path(folder, "states")
        contenders: dict[str, Callable[[], float]] = {
            SCRIPT: lambda: _script(places.ops.url, folder),
            FIRST: lambda: _release(places, next(numbers), states / str(time.time_ns())),
            LATER: lambda: _release(places, next(numbers), _newest(states)),
        }
        taken = rounds(quiet, contenders)
    section = Section(
        title=f"One more release after {RELEASES:,} of {APPS} apps",
        about=f"{how(taken)} They are of the commit with all that it asks the history: fence, "
        "holds, and what was released there last.",
        rows=tuple(
            {
                "": name,
                "Seconds": spread(one),
                "to the script": f"{ratio(one, taken.results[SCRIPT]):.2f} ×",
            }
            for name, one in taken.results.items()
        ),
        promises={},
    )
    return Part([section], {})


def _newest(states: Path) -> Path:
    return max(states.iterdir(), key=lambda one: one.name)


def _release(places: Repositories, number: int, state: Path) -> float:
    with patch.dict(os.environ, SHIPWAY_STATE=str(state)):
        begin = time.monotonic()
        target = target_of(places.ops.fetch(AppEnvironment(app="app-50", environment=ENVIRONMENT)))
        revision = places.source.resolve(places.commits[number])
        release = Release(revision=revision, image=ImageRef.parse(image_of(number)))
        (step,) = target.plan(release.image)
        run = RunContext(link=state.name, was_interrupted=lambda _: False, on_review=lambda _: None)
        landed = commit_release(places.ops, places.source, target, step, release, {}, run)
        seconds = time.monotonic() - begin
    if not landed.new:
        sys.exit(f"✗ revision {number} changed nothing")
    return seconds


def _script(url: str, folder: str) -> float:
    env = {**script_env(os.environ), "URL": url, "TMPDIR": folder}
    env |= {"MANIFEST": f"{ENVIRONMENT}/app-51/web.yaml", "IMAGE": image_of(time.time_ns())}
    begin = time.monotonic()
    subprocess.run(["bash", "-ec", _SCRIPT], env=env, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def _repositories(folder: str) -> Repositories:
    content = Path(folder, "code")
    content.mkdir()
    (content / "number").write_text("0\n")
    env = {**os.environ, "SHIPWAY_STATE": folder}
    code = repositories.create("history-code", content, {}, env)
    commits = [code.head.commit.hexsha]
    file = Path(code.working_dir, "number")
    # Two of each round, which may be made again.
    for number in range(1, 2 * (1 + MOST_AGAIN) * ROUNDS + 1):
        file.write_text(f"{number}\n")
        code.index.add(["number"])
        commits.append(code.index.commit(str(number)).hexsha)
    code.git.push("origin", "HEAD:main")
    login: dict[str, Any] = {
        "username": env["SHIPWAY_GIT_USERNAME"],
        "password": env["SHIPWAY_GIT_PASSWORD"],
    }
    source = SourceRepository(url=code.remote().url, **login)
    _ops(source.resolve(commits[0]), env)
    return Repositories(
        OpsRepository(url=f"{env['SHIPWAY_GIT_URL']}/history.git", **login), source, commits
    )


def _ops(revision: Revision, env: Mapping[str, str]) -> None:
    path = Path(env["SHIPWAY_GIT_ROOT"], "history.git")
    subprocess.run(["rm", "-rf", str(path)], check=True)
    bare = Repo.init(path, bare=True, initial_branch="main")
    importer = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE)
    assert importer.stdin is not None
    with importer.stdin as stream:
        folders = [f"{ENVIRONMENT}/app-{app}" for app in range(APPS)]
        first = {f"{folder}/rollout.yaml": ROLLOUT.encode() for folder in folders}
        first |= {f"{folder}/web.yaml": MANIFEST.encode() for folder in folders}
        stream.write(_commit("First", first, 0))
        for number in range(1, RELEASES + 1):
            stream.write(_released(number, revision))
    if importer.wait() != 0:
        sys.exit("✗ git fast-import failed")
    bare.git.repack("-adq")


def _released(number: int, revision: Revision) -> bytes:
    """A commit as a release makes it."""
    place = AppEnvironment(app=f"app-{number % APPS}", environment=ENVIRONMENT)
    folder = OpsFolder(app_environment=place, commit="0" * 40, files={})
    release = Release(revision=revision, image=ImageRef.parse(image_of(number)))
    text = MANIFEST.replace("PLACEHOLDER", str(release.image)).encode()
    proposal = release_proposal(
        folder, {f"{folder.path}/web.yaml": text}, release, "1/1 rolling", {}, f"run-{number}"
    )
    return _commit(proposal.message, proposal.changes, number)


def _commit(message: str, files: Mapping[str, bytes | None], number: int) -> bytes:
    """For `git fast-import`."""
    said = message.encode()
    head = b"commit refs/heads/main\ncommitter bot <bot@x> %d +0000\n" % (1_760_000_000 + number)
    parts = [head, b"data %d\n%s\n" % (len(said), said)]
    for path, text in files.items():
        assert text is not None
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(text), text))
    return b"".join(parts) + b"\n"
