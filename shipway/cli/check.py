"""`shipway check`: whether files are right, before they are committed; it asks nobody."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from shipway.app_environment import AppEnvironment
from shipway.config import pipeline, rollout
from shipway.config.freeze import read_freezes
from shipway.config.holds import holds_in
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError, ShipwayError
from shipway.git.ops_folder import FREEZE_FILE, SIGNERS_FILE, OpsFolder
from shipway.image_ref import ImageRef
from shipway.parameters import check_names
from shipway.rollout.approvers import approvers_of
from shipway.rollout.sources import check_sources
from shipway.rollout.target import target_of
from shipway.rollout.writers import check_only_writer

_PLACE = f"ENVIRONMENT/APP/{rollout.FILE}"
# Of no registry: a plan needs an image, whichever.
_ANY_IMAGE = ImageRef.parse(f"registry.example.org/app@sha256:{'0' * 64}")


def check(*paths: Annotated[Path, Parameter(help="Files or folders.")]) -> int:
    """Check each pipeline.yaml, each app's folder, and each freeze.yaml.

    An app's folder is one of an ops repository. The exit status is 1 if one is wrong, or if there
    is none. What only a server knows is left to the release: whether a cluster takes the manifests,
    a registry the image, and Git the revision.

    Parameters
    ----------
    paths
        Files or folders; a folder with all that is in it. This folder if empty.
    """
    found = dict.fromkeys(file for path in paths or (Path(),) for file in _files(path))
    problems = list(filter(None, map(_problem, found))) if found else [_nothing(paths)]
    for problem in problems:
        print(problem, file=sys.stderr)
    for file in filter(_is_elsewhere, found):
        print(f"note: no release looks at {file}, but at {_PLACE} of the ops repository")
    if found:
        print(f"{len(found)} checked, {len(problems)} wrong")
    return 1 if problems else 0


def _files(path: Path) -> Iterator[Path]:
    """Each file with a check that a path is, lies beside, or has in it."""
    if not path.is_dir():
        beside = path.with_name(rollout.FILE)
        yield from (file for file in (path, beside) if file.name in _CHECKS and file.is_file())
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(_CHECKS.keys() & set(names)))


def _problem(file: Path) -> ShipwayError | None:
    try:
        _CHECKS[file.name](file)
    except ShipwayError as error:
        return error
    return None


def _is_elsewhere(file: Path) -> bool:
    """Whether a rollout.yaml lies in a Git repository, and not where releases look in one."""
    parents = file.absolute().parents
    root = next((folder for folder in parents if (folder / ".git").exists()), None)
    return file.name == rollout.FILE and root is not None and parents[2:3] != (root,)


def _check_pipeline(file: Path) -> None:
    read_pipeline(file.read_text("utf-8", "replace"), str(file))


def _check_freezes(file: Path) -> None:
    read_freezes(file.read_bytes(), str(file))


def _check_environment(file: Path) -> None:
    """Check an app's folder of an ops repository, by its rollout.yaml."""
    folder = file.absolute().parent
    files = {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}
    where = AppEnvironment(app=folder.name, environment=folder.parent.name)
    signers = folder.parent / SIGNERS_FILE
    check_folder(where, files, signers.read_bytes() if signers.is_file() else None)
    check_sources(where, partial(_sources_of, where.app, folder.parents[1]))


def check_folder(
    where: AppEnvironment, files: Mapping[str, bytes], allowed_signers: bytes | None = None
) -> None:
    """Check what an app's folder of an ops repository has in it.

    Args:
        where: Whose folder it is.
        files: The files, by name.
        allowed_signers: The environment's list of keys, if it has one.

    Raises:
        RefuseError: Something in it is wrong.
    """
    check_names(app=where.app, environment=where.environment)
    folder = OpsFolder(
        app_environment=where, commit="", files=dict(files), allowed_signers=allowed_signers
    )
    target = target_of(folder)
    target.plan(_ANY_IMAGE)
    approvers_of(folder, target.rollout)
    check_only_writer(folder, target)
    holds_in(files, where.folder)


def _sources_of(app: str, root: Path, environment: str) -> tuple[str, ...] | None:
    """What an environment of an ops repository takes an app from; None where it has no such app."""
    file = root / environment / app / rollout.FILE
    if not file.is_file():
        return None
    try:
        promotion = rollout.read_rollout(file.read_text("utf-8", "replace"), str(file)).promotion
    except RefuseError:
        # That is told where that file is checked.
        return ()
    return promotion.source if promotion else ()


def _nothing(paths: tuple[Path, ...]) -> RefuseError:
    return RefuseError(
        "There is nothing to check.",
        where=", ".join(map(str, paths)) or str(Path.cwd()),
        expected=f"a {pipeline.FILE}, or a {rollout.FILE} beside manifests",
        remedy="name the folder of an app's code, or that of an ops repository",
    )


_CHECKS = {
    pipeline.FILE: _check_pipeline,
    rollout.FILE: _check_environment,
    FREEZE_FILE: _check_freezes,
}
