"""A checked-out revision of an app: its pipeline.yaml is there, and is the app's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from shipway.code import Code
from shipway.config.pipeline import Pipeline, read_pipeline
from shipway.errors import RefuseError
from shipway.git.revision import Revision
from shipway.runners.process import ProcessRunner
from shipway.runners.registry import RUNNERS

_UNTOUCHED = "everything: nothing was built, pushed or committed"


def read_code(app: str, revision: Revision, root: Path, origin: str, path: str = ".") -> Code:
    """Read the pipeline.yaml of a revision.

    Args:
        app: Whose it is to be.
        revision: What is checked out.
        root: The app's folder of it.
        origin: Where it is from, for errors.
        path: Where that folder lies in the repository.

    Raises:
        RefuseError: There is no pipeline.yaml, or it is wrong or another app's.
    """
    file = root / "pipeline.yaml"
    name = f"pipeline.yaml@{revision.short}"
    # A link could lead to a file of the worker's, whose text an error would show.
    if not file.is_file() or file.is_symlink():
        raise RefuseError(
            "There is no pipeline.yaml.",
            where=origin,
            expected="a pipeline.yaml beside the app's code",
            untouched=_UNTOUCHED,
            remedy="run `shipway init` in the app's folder, and commit what it writes",
        )
    pipeline = read_pipeline(file.read_text("utf-8"), name)
    if pipeline.app != app:
        raise RefuseError(
            "The pipeline.yaml is another app's.",
            where=name,
            expected=f"app: {app}",
            got=f"app: {pipeline.app}",
            untouched=_UNTOUCHED,
            remedy="correct it there, or the folder of the app's Source Repository block",
        )
    _check_reads(pipeline, root, name)
    revision = revision.model_copy(update={"uses": tuple(pipeline.uses)})
    return Code(app=app, revision=revision, pipeline=pipeline, folder=root, path=path)


def check_runners(code: Code, *, allows_processes: bool) -> None:
    """Refuse tests that run beside the worker's secrets, unless the platform team allows it.

    Args:
        code: A revision, whose pipeline.yaml cannot allow it itself.
        allows_processes: Whether the app's Source Repository block does.

    Raises:
        RefuseError: A layer runs as processes of the worker, and may not.
    """
    layers = code.pipeline.tests.layers
    beside = [name for name, layer in layers.items() if RUNNERS[layer.runner] is ProcessRunner]
    if beside and not allows_processes:
        raise RefuseError(
            "This app's tests may not run as processes on the worker.",
            where=f"pipeline.yaml@{code.revision.short}: runner of {', '.join(beside)}",
            expected="a runner that keeps an app's code from the worker's secrets",
            got="runner: process",
            untouched=_UNTOUCHED,
            remedy="use `runner: container`; or let the platform team set `allows_processes` in "
            f"the block source-repository/{code.app}, if it trusts the code",
        )


def check_build_secrets(code: Code, allowed: Collection[str]) -> None:
    """Refuse a build that reads secrets which the platform team has not given the app.

    Args:
        code: A revision, whose pipeline.yaml may name any Secret block of the server.
        allowed: The names that the app's Source Repository block lists.

    Raises:
        RefuseError: It names another one.
    """
    image = code.pipeline.image
    named = {*image.secrets.values(), *image.ssh.values()}
    if others := sorted(named.difference(allowed)):
        raise RefuseError(
            "This app's builds may not read these secrets.",
            where=f"pipeline.yaml@{code.revision.short}: image.secrets, image.ssh",
            expected=f"Secret blocks of the app: {', '.join(allowed) or 'none yet'}",
            got=", ".join(others),
            untouched=_UNTOUCHED,
            remedy="name another one; or let the platform team add them to `build_secrets` in the "
            f"block source-repository/{code.app}, if they are for this app",
        )


def keep_only(checkout: Path, paths: Iterable[str]) -> None:
    """Remove everything from a checkout that is not one of some paths, or in one of them.

    What an app does not say that it uses, its build and its tests do not find either.
    """
    kept = {PurePosixPath(path) for path in paths}
    above = {folder for path in kept for folder in path.parents}
    if PurePosixPath() in kept:
        return
    for at, folders, files in os.walk(checkout):
        folder = Path(at)
        here = PurePosixPath(folder.relative_to(checkout))
        for name in files:
            if here / name not in kept:
                (folder / name).unlink()
        for name in [name for name in folders if here / name not in above - kept]:
            folders.remove(name)
            if here / name not in kept:
                _remove(folder / name)


def _remove(folder: Path) -> None:
    """Remove a folder, or the link to one."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)


def _check_reads(pipeline: Pipeline, root: Path, name: str) -> None:
    """Refuse a misspelt path: it would never change, and the layer never run again."""
    for layer, settings in pipeline.tests.layers.items():
        for path in settings.reads:
            if not (root / path).exists():
                raise RefuseError(
                    "A layer reads what is not there.",
                    where=f"{name}: tests.layers.{layer}.reads",
                    expected="files and folders of the app",
                    got=path,
                    untouched=_UNTOUCHED,
                )
