"""An app's manifests as the cluster gets them: as they stand, or rendered."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from pydantic import BaseModel, ConfigDict

from shipway.config.rendering import Rendering
from shipway.git.ops_folder import OpsFolder
from shipway.git.ops_repository import OpsRepository
from shipway.kubernetes.objects import KubeObject, read_objects
from shipway.rendering import Renderer
from shipway.rollout.target import Target


class Manifests(BaseModel):
    """Objects, in the order to apply them, and what is equal for equal ones."""

    model_config = ConfigDict(frozen=True)

    objects: tuple[KubeObject, ...]
    fingerprint: str


# What the cluster gets of a folder in which some files have other content, by path.
Render = Callable[[Mapping[str, bytes]], Awaitable[Manifests]]


async def manifests_of(
    ops: OpsRepository,
    load_renderer: Callable[[], Awaitable[Renderer]],
    target: Target,
    folder: OpsFolder,
    changes: Mapping[str, bytes] | None = None,
) -> Manifests:
    """What the cluster gets of a folder.

    Args:
        ops: The ops repository.
        load_renderer: Gives Kustomize and Helm; called only where manifests are rendered.
        target: The environment.
        folder: The folder.
        changes: Files that stand there instead, by path in the repository.

    Raises:
        RefuseError: The files are no manifests, or cannot be rendered.
    """
    render = await render_of(ops, load_renderer, target, folder)
    return await render(changes or {})


async def render_of(
    ops: OpsRepository,
    load_renderer: Callable[[], Awaitable[Renderer]],
    target: Target,
    folder: OpsFolder,
) -> Render:
    """What tells what the cluster gets of a folder, again and again; Git is asked once.

    Args:
        ops: The ops repository.
        load_renderer: Gives Kustomize and Helm; called only where manifests are rendered.
        target: The environment.
        folder: The folder.
    """
    rendering = target.rollout.render
    if rendering is None:
        return partial(_as_they_stand, folder)
    renderer, folders = await load_renderer(), [folder.path, *rendering.folders]
    files = await asyncio.to_thread(ops.export, folder.commit, folders)

    async def render(changes: Mapping[str, bytes]) -> Manifests:
        text = await _rendered(renderer, target, rendering, {**files, **changes}, folder.path)
        objects = read_objects({"rendered.yaml": text}, folder.path)
        return Manifests(objects=tuple(objects), fingerprint=hashlib.sha256(text).hexdigest())

    return render


async def _as_they_stand(folder: OpsFolder, changes: Mapping[str, bytes]) -> Manifests:
    objects = read_objects(folder.with_changes(changes).files, folder.path)
    return Manifests(objects=tuple(objects), fingerprint=folder.fingerprint)


async def _rendered(
    renderer: Renderer,
    target: Target,
    rendering: Rendering,
    files: Mapping[str, bytes],
    folder: str,
) -> bytes:
    """What Kustomize or Helm makes of the files."""
    if rendering.helm is None:
        return await renderer.build(files, folder)
    namespace = target.rollout.namespace
    return await renderer.template(files, folder, rendering.helm, target.app, namespace)
