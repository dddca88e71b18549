"""One commit in an ops repository of 50,000 files: time, and bytes over the network."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

from git import Repo
from pydantic import SecretStr

from bench.common.script_env import script_env
from bench.gitops.proxy import Proxy, proxy
from blocks.ops_repository import OpsRepository
from shipway.app_environment import AppEnvironment
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.image_ref import ImageRef
from shipway.manifests import set_image

APPS, FILES_EACH = 5_000, 10
ROUNDS = 5
APP = "app-2500"

SCRIPT, FIRST, LATER = (
    "git clone && yq -i",
    "Shipway, first release on a worker",
    "Shipway, later release",
)
GIT_ALONE = "git fetch && git push, an empty commit"
_CLONE = """
cd "$(mktemp -d)"; git clone --quiet {options} "$URL" clone; cd clone
"$YQ" -i '.spec.containers[0].image = strenv(IMAGE)' "$MANIFEST"
git commit --quiet --all --message release; git push --quiet origin HEAD:main
"""
_SCRIPTS = {
    SCRIPT: _CLONE.format(options=""),
    "git clone --depth 1 && yq -i": _CLONE.format(options="--depth 1"),
    # With all that it needs at hand, and nothing to edit: the least that a commit asks of Git.
    GIT_ALONE: """
cd "$BARE"; git fetch --quiet "$URL" main
commit=$(git commit-tree -p FETCH_HEAD -m release 'FETCH_HEAD^{tree}')
git push --quiet "$URL" "$commit:refs/heads/main"
""",
}


class Cost(NamedTuple):
    """Medians over the rounds."""

    seconds: float
    moved: int


def large(env: Mapping[str, str]) -> dict[str, Cost]:
    """What one commit costs each contender, in turn, on the same repository."""
    bare = _repository(env)
    rounds: dict[str, list[tuple[float, int]]] = {}
    with tempfile.TemporaryDirectory() as folder, proxy(env["SHIPWAY_GIT_URL"]) as server:
        bare.clone(Path(folder, "bare"), bare=True)
        for number in range(ROUNDS):
            state = Path(folder, f"state-{number}")
            for title, work in (
                *((title, _script(steps, env, folder)) for title, steps in _SCRIPTS.items()),
                (FIRST, _shipway(env, state)),
                (LATER, _shipway(env, state)),
            ):
                rounds.setdefault(title, []).append(_measured(server, work, len(rounds) + number))
    assert not bare.git.rev_list("--merges", "main")
    return {
        title: Cost(
            median(measured[0] for measured in costs),
            int(median(measured[1] for measured in costs)),
        )
        for title, costs in rounds.items()
    }


def _measured(server: Proxy, work: Callable[[str, str], None], mark: int) -> tuple[float, int]:
    before, begin = server.moved, time.monotonic()
    work(f"{server.url}/large.git", f"registry.example.org/app@sha256:{mark + time.time_ns():064x}")
    return time.monotonic() - begin, server.moved - before


def _shipway(env: Mapping[str, str], state: Path) -> Callable[[str, str], None]:
    def work(url: str, image: str) -> None:
        ops = OpsRepository(
            url=url,
            username=env["SHIPWAY_GIT_USERNAME"],
            password=SecretStr(env["SHIPWAY_GIT_PASSWORD"]),
        )

        def propose(folder: OpsFolder, _history: History) -> Proposal:
            before = folder.files["web.yaml"]
            after = set_image(before, "container", "web", ImageRef.parse(image), "web.yaml")
            return Proposal(
                changes={f"{folder.path}/web.yaml": after},
                message=f"release\n\nApp: {APP}\nEnvironment: prod\nImage: {image}\n",
            )

        with patch.dict(os.environ, SHIPWAY_STATE=str(state)):
            ops.commit(AppEnvironment(app=APP, environment="prod"), propose)

    return work


def _script(steps: str, env: Mapping[str, str], folder: str) -> Callable[[str, str], None]:
    def work(url: str, image: str) -> None:
        script = {
            **script_env(env),
            "URL": url,
            "IMAGE": image,
            "TMPDIR": folder,
            "BARE": str(Path(folder, "bare")),
            "MANIFEST": f"prod/{APP}/web.yaml",
        }
        subprocess.run(["bash", "-ec", steps], env=script, check=True)

    return work


def _repository(env: Mapping[str, str]) -> Repo:
    """A repository of many apps with manifests of a few hundred bytes, and a short history."""
    path = Path(env["SHIPWAY_GIT_ROOT"], "large.git")
    subprocess.run(["rm", "-rf", str(path)], check=True)
    bare = Repo.init(path, bare=True, initial_branch="main")
    importer = subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE, text=True
    )
    assert importer.stdin is not None
    write = importer.stdin.write
    write("commit refs/heads/main\ncommitter bot <bot@x> 1760000000 +0000\ndata 5\nfirst\n")
    for app in range(APPS):
        for number in range(FILES_EACH):
            name = "web" if number == 0 else f"part-{number}"
            text = (
                f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-{app}-{number}}}\n"
                f"spec:\n  containers:\n  - name: {name}\n    image: a:1 # {app * number}\n"
                + "".join(f"  key-{line}: {hash((app, number, line))}\n" for line in range(10))
            )
            write(f"M 100644 inline prod/app-{app}/{name}.yaml\ndata {len(text)}\n{text}\n")
    write("\n")
    importer.stdin.close()
    if importer.wait() != 0:
        raise RuntimeError("git fast-import failed")
    bare.git.repack("-adq")
    return bare


def as_json(costs: Mapping[str, Cost]) -> dict[str, Any]:
    """The figures for a machine, with ratios against the plain script."""
    peer = costs[SCRIPT]
    return {
        title: {
            "seconds": round(cost.seconds, 2),
            "bytes": cost.moved,
            "time_ratio": round(cost.seconds / peer.seconds, 3),
            "bytes_ratio": round(cost.moved / peer.moved, 4),
        }
        for title, cost in costs.items()
    }
