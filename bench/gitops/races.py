"""Many releases into one ops repository at once, each from a machine of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from git import Repo
from pydantic import BaseModel

from blocks.ops_repository import OpsRepository
from blocks.source_repository import SourceRepository
from examples import repositories
from shipway.app_environment import AppEnvironment
from shipway.errors import RefuseError, ShipwayError
from shipway.git.record import RECORD_FILE
from shipway.image_ref import ImageRef
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.run_context import RunContext
from shipway.rollout.target import target_of

MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        image: PLACEHOLDER  # set by Shipway
"""
ROLLOUT = """\
strategy: rolling
namespace: apps
agent: external
images:
- {file: web.yaml, container: web}
"""
ENVIRONMENT = "prod"


class Attempt(BaseModel):
    """How one release ended."""

    app: str
    number: int
    outcome: str
    commit: str | None
    seconds: float


class Race(NamedTuple):
    """What a race came to, as the server's repository shows it.

    Args:
        attempts: Every release.
        lost: Releases that were told they landed, and are not on the branch.
        merges: Merge commits on the branch.
        wrong: Commits whose tree is not what their trailers say.
        newest_wins: Whether each app ends at the newest revision that was released.
        seconds: From the common start to the last end.
    """

    attempts: list[Attempt]
    lost: int
    merges: int
    wrong: int
    newest_wins: bool
    seconds: float

    def count(self, outcome: str) -> int:
        """How many releases ended so."""
        return sum(attempt.outcome == outcome for attempt in self.attempts)


def race(apps: int, revisions: int, env: Mapping[str, str], seed: int = 1) -> Race:
    """Release `revisions` revisions of each of `apps` apps at once, in random order.

    Each release runs in a process with a mirror of its own, as on a machine of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        code, commits = _code(revisions, env, folder)
        ops = ops_of(apps, env, folder)
        start = ops.head.commit.hexsha
        login = {
            "username": env["SHIPWAY_GIT_USERNAME"],
            "password": env["SHIPWAY_GIT_PASSWORD"],
        }
        places = {"code": code.remote().url, "ops": ops.remote().url, **login}
        jobs = [(f"app-{app}", number) for app in range(apps) for number in range(revisions)]
        random.Random(seed).shuffle(jobs)  # noqa: S311  # an order, not a secret
        begin = time.monotonic()
        attempts = _all_at_once(jobs, commits, places, folder)
        seconds = time.monotonic() - begin
        ops.remote().fetch()
        return _judge(ops, start, commits, attempts, seconds)


def _all_at_once(
    jobs: Sequence[tuple[str, int]],
    commits: Sequence[str],
    places: Mapping[str, str],
    folder: str,
) -> list[Attempt]:
    # A forked child has every module loaded: they start within one moment of each other.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(len(jobs))
    children = [
        context.Process(
            target=_child, args=(barrier, app, number, commits[number], dict(places), folder)
        )
        for app, number in jobs
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [
        Attempt.model_validate_json(Path(folder, f"{app}-{number}.json").read_bytes())
        for app, number in jobs
    ]


def _child(
    barrier: Barrier, app: str, number: int, commit: str, places: dict[str, str], folder: str
) -> None:
    os.environ["SHIPWAY_STATE"] = str(Path(folder, "state", f"{app}-{number}"))
    login: dict[str, Any] = {key: places[key] for key in ("username", "password")}
    ops = OpsRepository(url=places["ops"], **login)
    source = SourceRepository(url=places["code"], **login)
    app_environment = AppEnvironment(app=app, environment=ENVIRONMENT)
    target = target_of(ops.fetch(app_environment))
    release = Release(revision=source.resolve(commit), image=ImageRef.parse(image_of(number)))
    (step,) = target.plan(release.image)
    run = RunContext(
        link=f"{app}-{number}", was_interrupted=lambda _: False, on_review=lambda _: None
    )
    barrier.wait()
    begin, landed = time.monotonic(), None
    try:
        landed = commit_release(ops, source, target, step, release, {}, run)
        outcome = "landed"
    except RefuseError as error:
        outcome = "stale" if "does not contain" in error.what else str(error)
    except ShipwayError as error:
        outcome = str(error)
    attempt = Attempt(
        app=app,
        number=number,
        outcome=outcome,
        commit=landed.commit if landed else None,
        seconds=time.monotonic() - begin,
    )
    Path(folder, f"{app}-{number}.json").write_text(attempt.model_dump_json())


def image_of(number: int) -> str:
    """The image of the n-th revision."""
    return f"registry.example.org/app@sha256:{number:064x}"


def _judge(
    ops: Repo, start: str, commits: Sequence[str], attempts: list[Attempt], seconds: float
) -> Race:
    branch = ops.git.rev_list("--reverse", f"{start}..origin/main").split()
    merges = ops.git.rev_list("--merges", f"{start}..origin/main").split()
    landed = [attempt.commit for attempt in attempts if attempt.outcome == "landed"]
    wrong = [commit for commit in branch if not _is_what_it_says(ops, commit)]
    newest = True
    for app in {attempt.app for attempt in attempts}:
        best = max(
            attempt.number
            for attempt in attempts
            if attempt.app == app and attempt.outcome == "landed"
        )
        text = ops.git.show(f"origin/main:{ENVIRONMENT}/{app}/web.yaml")
        newest &= image_of(best) in text and best == len(commits) - 1
    return Race(
        attempts=attempts,
        lost=len(set(landed) - set(branch)),
        merges=len(merges),
        wrong=len(wrong) + abs(len(branch) - len(set(landed))),
        newest_wins=newest,
        seconds=seconds,
    )


def _is_what_it_says(ops: Repo, commit: str) -> bool:
    """Whether a commit changes image and record of its app alone, to what its trailer names."""
    trailers = {key: values[0] for key, values in ops.commit(commit).trailers_dict.items()}
    folder = f"{trailers['Environment']}/{trailers['App']}"
    path = f"{folder}/web.yaml"
    changed = ops.git.diff("--name-only", f"{commit}~", commit).splitlines()
    text = ops.git.show(f"{commit}:{path}", strip_newline_in_stdout=False)
    expected = MANIFEST.replace("PLACEHOLDER", trailers["Image"])
    return changed == [f"{folder}/{RECORD_FILE}", path] and text == expected


def _code(revisions: int, env: Mapping[str, str], folder: str) -> tuple[Repo, list[str]]:
    content = Path(folder, "code")
    content.mkdir()
    (content / "number").write_text("-1\n")
    # Races of tests run at the same time.
    name = f"race-code-{uuid.uuid4().hex[:8]}"
    code = repositories.create(name, content, {}, {**env, "SHIPWAY_STATE": folder})
    commits = [repositories.commit(code, str(n), {"number": f"{n}\n"}) for n in range(revisions)]
    return code, commits


def ops_of(apps: int, env: Mapping[str, str], folder: str) -> Repo:
    """An ops repository with so many apps."""
    content = Path(folder, "ops")
    for app in range(apps):
        app_folder = content / ENVIRONMENT / f"app-{app}"
        app_folder.mkdir(parents=True)
        (app_folder / "web.yaml").write_text(MANIFEST)
        (app_folder / "rollout.yaml").write_text(ROLLOUT)
    name = f"race-ops-{uuid.uuid4().hex[:8]}"
    return repositories.create(name, content, {}, {**env, "SHIPWAY_STATE": folder})


def as_json(race: Race) -> dict[str, Any]:
    """The figures for a machine."""
    return {
        "releases": len(race.attempts),
        "landed": race.count("landed"),
        "stale": race.count("stale"),
        "failed": len(race.attempts) - race.count("landed") - race.count("stale"),
        "lost": race.lost,
        "merges": race.merges,
        "wrong_trees": race.wrong,
        "newest_wins": race.newest_wins,
        "seconds": round(race.seconds, 2),
        "slowest": round(max(attempt.seconds for attempt in race.attempts), 2),
    }


if __name__ == "__main__":
    print(json.dumps(as_json(race(8, 1, os.environ)), indent=2))
