"""A strategy, bound to the files of one app in one environment."""

from __future__ import annotations

from collections.abc import Sequence

from blocks.config import BlueGreenSettings, Rollout
from blocks.errors import Refuse
from blocks.kube.objects import KubeObject
from blocks.ops_repository import Wanted
from flows.strategies import BlueGreen, Place, Rolling, Side, Strategy
from flows.tasks.places import field_place

UNTOUCHED = "everything: nothing was built, pushed or committed"


def strategy_of(
    rollout: Rollout, wanted: Wanted, images: Sequence[Place], objects: Sequence[KubeObject]
) -> Strategy:
    """What rollout.yaml asks for, with the places that it sets.

    Raises:
        Refuse: The folder lacks an object that the strategy needs.
    """
    if rollout.blue_green is None:
        return Rolling(images=tuple(images))
    return _blue_green(rollout.blue_green, wanted, images, objects)


def _blue_green(
    settings: BlueGreenSettings,
    wanted: Wanted,
    images: Sequence[Place],
    objects: Sequence[KubeObject],
) -> BlueGreen:
    service = _object(f"Service/{settings.service}", wanted, objects)
    pair = [
        _object(f"Deployment/{name}", wanted, objects) for name in (settings.blue, settings.green)
    ]
    selector = service.body.get("spec", {}).get("selector") or {}
    labels = [_pod_labels(one) for one in pair]
    telling = [key for key in selector if labels[0].get(key) != labels[1].get(key)]
    if len(telling) != 1 or not all(telling[0] in one for one in labels):
        raise _refused(
            wanted,
            f"The selector of {service.title} does not tell the two Deployments apart.",
            "one label in it that the pods of both have, with another value each",
            ", ".join(telling) or "no such label",
        )
    (key,) = telling
    if selector[key] not in {one[key] for one in labels}:
        raise _refused(
            wanted,
            f"{service.title} selects neither of the two Deployments.",
            " or ".join(f"{key}: {one[key]}" for one in labels),
            f"{key}: {selector[key]}",
        )
    sides = [
        Side(
            colour=str(one[key]),
            workload=deployment.title,
            images=_images_in(deployment, wanted, images),
            replicas=field_place(deployment, "/spec/replicas"),
        )
        for deployment, one in zip(pair, labels, strict=True)
    ]
    return BlueGreen(
        sides=(sides[0], sides[1]),
        selector=field_place(
            service, f"/spec/selector/{key.replace('~', '~0').replace('/', '~1')}"
        ),
        keep=settings.keep,
    )


def _images_in(
    deployment: KubeObject, wanted: Wanted, images: Sequence[Place]
) -> tuple[Place, ...]:
    file = deployment.file.rpartition("/")[2]
    found = tuple(one for one in images if one.file == file)
    if not found:
        raise _refused(
            wanted,
            f"The release sets no image of {deployment.title}.",
            f"an entry of images with file: {file}",
            ", ".join(dict.fromkeys(one.file for one in images)),
        )
    return found


def _object(title: str, wanted: Wanted, objects: Sequence[KubeObject]) -> KubeObject:
    found = next((one for one in objects if one.title == title), None)
    if found is None:
        same = title.partition("/")[0]
        got = ", ".join(one.title for one in objects if one.kind == same)
        raise _refused(
            wanted, f"There is no {title}.", f"{title} in the folder", got or f"no {same}"
        )
    return found


def _pod_labels(deployment: KubeObject) -> dict[str, str]:
    template = deployment.body.get("spec", {}).get("template", {})
    return template.get("metadata", {}).get("labels") or {}


def _refused(wanted: Wanted, what: str, expected: str, got: str) -> Refuse:
    where = f"{wanted.folder}/rollout.yaml: blue_green"
    return Refuse(what, where=where, expected=expected, got=got, untouched=UNTOUCHED)
