"""Images in the registry that may go: those that neither Git nor a run has in use."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.image_labels import INPUTS
from shipway.registry import Registry
from shipway.registry_api import Manifest, RegistryApi, registry_api
from shipway.retention.age import days_of, too_young
from shipway.retention.in_git import InGit
from shipway.retention.outcome import Item, Outcome, sorted_out
from shipway.retention.policy import Retention

KIND = "images in the registry"
NOT_OURS = (
    "nobody says that this ops repository alone uses them: set `registry_is_ours` in the block "
    "retention/default if that is so"
)
# A revision; with a platform behind it, a part of what the index under the revision lists.
_OURS = re.compile(r"(?P<revision>[0-9a-f]{64}|[0-9a-f]{40})(-[a-z0-9-]+)?")


class StoredTag(BaseModel):
    """A tag, and what it leads to.

    Attributes:
        tag: The tag.
        digest: Of its manifest.
        parts: Digests of the manifests that it lists, if it is an index.
        blobs: Bytes of what it is made of, by digest.
        created: When it was built; None where nobody knows.
        is_ours: Whether Shipway has built and pushed it.
    """

    model_config = ConfigDict(frozen=True)

    tag: str
    digest: str
    parts: tuple[str, ...] = ()
    blobs: Mapping[str, int] = {}
    created: datetime | None = None
    is_ours: bool = True


class StoredImage(BaseModel):
    """All tags of one revision: an image, and its parts for each platform."""

    model_config = ConfigDict(frozen=True)

    revision: str
    tags: tuple[StoredTag, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """Digests of all its manifests, what lists others first."""
        tagged = sorted(self.tags, key=lambda each: not each.parts)
        listed = (part for each in self.tags for part in each.parts)
        return tuple(dict.fromkeys((*(each.digest for each in tagged), *listed)))

    @property
    def created(self) -> datetime | None:
        """When the newest of it was built; None where nobody knows it of all of them."""
        known = [each.created for each in self.tags]
        return max(filter(None, known), default=None) if all(known) else None

    @property
    def blobs(self) -> dict[str, int]:
        """Bytes of what it is made of, by digest."""
        return {digest: size for each in self.tags for digest, size in each.blobs.items()}


def digests_that_go(
    app: str,
    tags: Sequence[StoredTag],
    in_git: InGit,
    busy: Collection[str],
    keep: Retention,
    now: datetime,
) -> tuple[list[str], Outcome]:
    """The manifests of an app that may go, in the order to remove them, and what is told of all.

    Args:
        app: The app.
        tags: All tags of its repository, also those that others pushed.
        in_git: What the ops repository names.
        busy: Apps of which a run goes on or waits.
        keep: What is kept.
        now: The time.
    """
    images, others = _grouped(tags)
    by_age = sorted(images, key=lambda each: each.created or now, reverse=True)
    newest = {each.revision for each in by_age[: keep.registry_images]}

    def why_it_stays(image: StoredImage) -> str | None:
        if app in busy:
            return "a run of its app goes on or waits"
        if in_git.names(image.revision, *image.digests):
            return "Git names it"
        if image.revision in newest:
            return f"one of the newest {keep.registry_images} of its app"
        return too_young(image.created, keep.registry_days, now)

    goes, stays = sorted_out(images, why_it_stays)
    left = [image for image in images if image not in goes]
    goes, kept = _without_shared(goes, _digests_of(others) | _digests_of(left))
    if shared := len(images) - len(left) - len(goes):
        stays["a tag that stays leads to the same image"] += shared
    digests = [digest for image in goes for digest in image.digests if digest not in kept]
    tags_left = [tag for tag in tags if not any(tag in image.tags for image in goes)]
    why = f"older than {days_of(keep.registry_days)}, no environment has or goes back to it"
    items = _items(app, goes, why, {digest for tag in tags_left for digest in tag.blobs})
    return digests, Outcome(kind=KIND, goes=items, stays=stays)


async def tags_of(registry: Registry, app: str) -> list[StoredTag]:
    """Every tag of an app's repository.

    Raises:
        RetryError: The registry cannot be reached or is overloaded.
        RefuseError: It denies access.
    """
    name = registry.image(app, "").repository
    async with registry_api(name, registry.login, insecure=registry.insecure) as api:
        found = [await _read(api, tag) for tag in await api.tags()]
    return [each for each in found if each is not None]


async def remove_digests(registry: Registry, app: str, digests: Iterable[str]) -> None:
    """Remove manifests of an app, and with them all tags that lead to them.

    Raises:
        NoDeletionError: The registry lets nobody remove anything.
        RetryError: The registry cannot be reached or is overloaded.
        RefuseError: It denies access.
    """
    name = registry.image(app, "").repository
    async with registry_api(name, registry.login, insecure=registry.insecure) as api:
        for digest in digests:
            await api.delete(digest)


def _grouped(tags: Iterable[StoredTag]) -> tuple[list[StoredImage], list[StoredTag]]:
    """The images that Shipway has pushed, and the tags of others."""
    ours, others = dict[str, list[StoredTag]](), list[StoredTag]()
    for tag in tags:
        match = _OURS.fullmatch(tag.tag) if tag.is_ours else None
        if match is None:
            others.append(tag)
        else:
            ours.setdefault(match["revision"], []).append(tag)
    images = [StoredImage(revision=each, tags=tuple(tagged)) for each, tagged in ours.items()]
    return images, others


def _digests_of(stored: Iterable[StoredTag | StoredImage]) -> set[str]:
    found = set[str]()
    for each in stored:
        found |= {each.digest, *each.parts} if isinstance(each, StoredTag) else set(each.digests)
    return found


def _without_shared(
    goes: Sequence[StoredImage], kept: set[str]
) -> tuple[list[StoredImage], set[str]]:
    """Those of some images whose tags lead to nothing that is kept, and all that is kept then."""
    while True:
        shared = [each for each in goes if any(tag.digest in kept for tag in each.tags)]
        if not shared:
            return list(goes), kept
        kept = kept | _digests_of(shared)
        goes = [each for each in goes if each not in shared]


def _items(app: str, images: Iterable[StoredImage], why: str, left: set[str]) -> tuple[Item, ...]:
    """What is told of images; what several of them have in common counts for the first one."""
    counted, items = set(left), list[Item]()
    for image in images:
        size = sum(size for digest, size in image.blobs.items() if digest not in counted)
        counted |= image.blobs.keys()
        items.append(Item(name=f"{app} {image.revision[:7]}", why=why, size=size))
    return tuple(items)


async def _read(api: RegistryApi, tag: str) -> StoredTag | None:
    """A tag; None where it is gone."""
    manifest = await api.manifest(tag)
    if manifest is None:
        return None
    parts = [str(entry["digest"]) for entry in manifest.body.get("manifests", [])]
    listed = [await api.manifest(digest) for digest in parts]
    images = [each for each in (manifest, *listed) if each is not None]
    configs = [await _config(api, each) for each in images]
    blobs = {digest: size for each in images for digest, size in _blobs(each)}
    labels = [(config.get("config") or {}).get("Labels") or {} for config in configs]
    return StoredTag(
        tag=tag,
        digest=manifest.digest,
        parts=tuple(parts),
        blobs=blobs,
        created=max(filter(None, map(_created, configs)), default=None),
        is_ours=any(INPUTS in each for each in labels),
    )


async def _config(api: RegistryApi, manifest: Manifest) -> dict[str, Any]:
    """What an image says of itself; nothing for what is no image."""
    config = manifest.body.get("config", {})
    if "image" not in config.get("mediaType", ""):
        return {}
    return await api.blob(config["digest"]) or {}


def _blobs(manifest: Manifest) -> Iterable[tuple[str, int]]:
    body = manifest.body
    blobs = [body["config"]] if "config" in body else []
    return [(each["digest"], int(each["size"])) for each in (*blobs, *body.get("layers", []))]


def _created(config: Mapping[str, Any]) -> datetime | None:
    try:
        created = datetime.fromisoformat(str(config["created"]))
    except (KeyError, ValueError):
        return None
    return created.replace(tzinfo=created.tzinfo or UTC)
