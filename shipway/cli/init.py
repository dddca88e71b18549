"""`shipway init`: the files of an app's first release, written by looking at the app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from shipway.app_environment import AppEnvironment
from shipway.cli.check import check_folder
from shipway.config import pipeline, rollout
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from shipway.init.app_files import app_files
from shipway.init.new_file import UNTOUCHED, NewFile
from shipway.init.ops_files import environment_files
from shipway.init.rollout_file import rollout_file
from shipway.init.seen import Seen, look_at


def init(
    app: str | None = None,
    *,
    environment: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (
        "staging",
    ),
    ops: Path | None = None,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Write the files that an app's first release needs.

    Run it in the app's folder. It writes a pipeline.yaml, a Dockerfile if there is none, and the
    app's folder of the ops repository; where manifests are there, only a rollout.yaml for them.
    What is there already stays as it is.

    Parameters
    ----------
    app
        Name of the app; that of its folder if empty.
    environment
        Environments that the app is to run in.
    ops
        A clone of the ops repository; without it, only the app's own files are written.
    dry_run
        Print the files, and write none.
    """
    if ops is not None and not ops.is_dir():
        raise RefuseError(
            "There is no such folder.",
            where=str(ops),
            expected="a clone of the ops repository",
            untouched=UNTOUCHED,
        )
    here = Path()
    seen = look_at(here.absolute(), app)
    own = app_files(seen)
    folders = [AppEnvironment(app=seen.app, environment=each) for each in environment]
    manifests = {where: _files_for(where, seen, ops) for where in folders}
    _check(own, manifests, ops)
    for name in seen.there:
        print(f"is there  {name}")
    _deliver(here, own, dry_run=dry_run)
    for where, files in manifests.items():
        if ops is None and not dry_run:
            print(f"left out  {where.folder}: name a clone of the ops repository with --ops")
        elif ops is not None and not files:
            print(f"is there  {ops / where.folder}")
        else:
            _deliver(ops or here, files, dry_run=dry_run)
    return 0


def _files_for(where: AppEnvironment, seen: Seen, ops: Path | None) -> list[NewFile]:
    """The files that an app's folder lacks."""
    if ops is None or not any((ops / where.folder).glob("*")):
        return environment_files(seen, where)
    # A manifest beside those of somebody else would be applied too.
    is_lacking = _there(where, ops) and not (ops / where.folder / rollout.FILE).exists()
    return [rollout_file(where, ops)] if is_lacking else []


def _there(where: AppEnvironment, ops: Path | None) -> dict[str, bytes]:
    """The files that an app's folder has."""
    files = (ops / where.folder).glob("*") if ops else ()
    return {file.name: file.read_bytes() for file in files if file.is_file()}


def _check(
    own: Sequence[NewFile],
    manifests: Mapping[AppEnvironment, Sequence[NewFile]],
    ops: Path | None,
) -> None:
    """Check the files as `shipway check` does, before one of them is written."""
    for file in own:
        if file.path == pipeline.FILE:
            read_pipeline(file.text)
    for where, files in manifests.items():
        new = {Path(file.path).name: file.text.encode() for file in files}
        if new:
            check_folder(where, _there(where, ops) | new)


def _deliver(root: Path, files: Sequence[NewFile], *, dry_run: bool) -> None:
    """Write each file that is not there, and say why it is what it is."""
    for file in files:
        path = root / file.path
        if path.exists():
            print(f"is there  {path}")
        elif dry_run:
            print(f"# {path}: {file.why}\n{file.text}")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            # It may have come about since: what others wrote is never written over.
            with path.open("x", encoding="utf-8") as new:
                new.write(file.text)
            print(f"wrote     {path}: {file.why}")
