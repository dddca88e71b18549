"""Images on the engine that may go: each can be built or pulled again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from pydantic import BaseModel, ConfigDict

from shipway.image_labels import APP, INPUTS, REVISION
from shipway.retention.age import days_of, newest_of_each, too_young
from shipway.retention.outcome import Item, Outcome, sorted_out
from shipway.retention.policy import Retention

KIND = "images on the engine"
_USED = "a container uses it"
_NO_TAGS = "<none>:<none>"


class EngineImage(BaseModel):
    """An image on the engine that Shipway has built.

    Attributes:
        id: Its id.
        app: The app; empty where the image does not say so.
        revision: What it was built from.
        tags: The names that it has.
        created: When it was built.
        size: Bytes that no other image shares.
        is_used: Whether there is a container of it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    app: str
    revision: str
    tags: tuple[str, ...]
    created: datetime
    size: int
    is_used: bool

    @property
    def name(self) -> str:
        """How people know it."""
        return f"{self.app or 'an app'} {self.revision[:7]} ({self.id[7:19]})"

    @property
    def has_other_tags(self) -> bool:
        """Whether it has a name that Shipway did not give it."""
        pushed = re.compile(
            rf"(.*/)?{re.escape(self.app) or '[^/]+'}:{self.revision}(-[a-z0-9-]+)?"
        )
        return not all(map(pushed.fullmatch, self.tags))


def images_that_go(
    images: Sequence[EngineImage], busy: Collection[str], keep: Retention, now: datetime
) -> tuple[list[EngineImage], Outcome]:
    """The images that may go, and what is told of all of them.

    Args:
        images: All that Shipway has built.
        busy: Apps of which a run goes on or waits.
        keep: What is kept.
        now: The time.
    """
    newest = newest_of_each(
        images, lambda each: each.app, lambda each: each.created, keep.engine_images
    )
    newest_ids = {each.id for each in newest}

    def why_it_stays(image: EngineImage) -> str | None:
        if image.is_used:
            return _USED
        if image.app in busy or (not image.app and busy):
            return "a run of its app goes on or waits"
        if image.has_other_tags:
            return "somebody else gave it a name"
        if image.id in newest_ids:
            return f"one of the newest {keep.engine_images} of its app"
        return too_young(image.created, keep.engine_days, now)

    goes, stays = sorted_out(images, why_it_stays)
    why = f"older than {days_of(keep.engine_days)}, and not one of the newest of its app"
    items = tuple(Item(name=each.name, why=why, size=each.size) for each in goes)
    return goes, Outcome(kind=KIND, goes=items, stays=stays)


def images_on(client: DockerClient) -> list[EngineImage]:
    """The images on an engine that Shipway has built."""
    return [_image(each) for each in client.df()["Images"] if INPUTS in (each["Labels"] or {})]


def remove_images(client: DockerClient, images: Iterable[EngineImage]) -> set[str]:
    """Remove images; the ids of those that stay, since a container has come to use them."""
    return {image.id for image in images if not _is_removed(client, image)}


def _is_removed(client: DockerClient, image: EngineImage) -> bool:
    # By its names, so that one stays that somebody has given another name meanwhile.
    for name in image.tags or (image.id,):
        try:
            with suppress(ImageNotFound):
                client.api.remove_image(name, force=False, noprune=True)
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:
                raise
            return False
    return True


def _image(facts: dict[str, Any]) -> EngineImage:
    labels = facts["Labels"]
    return EngineImage(
        id=facts["Id"],
        app=labels.get(APP, ""),
        revision=labels.get(REVISION, ""),
        tags=tuple(tag for tag in facts["RepoTags"] or () if tag != _NO_TAGS),
        created=datetime.fromtimestamp(facts["Created"], UTC),
        size=max(0, facts["Size"] - max(0, facts["SharedSize"])),
        is_used=facts["Containers"] != 0,
    )
