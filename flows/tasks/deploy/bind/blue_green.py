"""Blue/green, bound: the Service's selector tells two Deployments apart."""

from __future__ import annotations

from blocks.config import BlueGreenSettings
from blocks.kube.objects import KubeObject
from flows.strategies import BlueGreen, Place
from flows.tasks.deploy.bind.folder import Folder, escaped, pod_labels, selector_of
from flows.tasks.deploy.places import field_place


def bind_blue_green(settings: BlueGreenSettings, folder: Folder) -> BlueGreen:
    """The colours, and the value in the Service that switches between them.

    Raises:
        Refuse: An object is missing, or the selector does not tell the Deployments apart.
    """
    service = folder.object(f"Service/{settings.service}")
    blue, green = (folder.object(f"Deployment/{name}") for name in (settings.blue, settings.green))
    key = _telling_label(service, blue, green, folder)
    preview: Place | None = None
    if settings.preview is not None:
        second = folder.object(f"Service/{settings.preview}")
        preview = _switch(second, _telling_label(second, blue, green, folder))
    return BlueGreen(
        sides=(
            folder.side(pod_labels(blue)[key], blue),
            folder.side(pod_labels(green)[key], green),
        ),
        selector=_switch(service, key),
        preview=preview,
        keep=settings.keep,
        approval=settings.approval,
    )


def _telling_label(service: KubeObject, blue: KubeObject, green: KubeObject, folder: Folder) -> str:
    selector, labels = selector_of(service), [pod_labels(blue), pod_labels(green)]
    telling = [key for key in selector if labels[0].get(key) != labels[1].get(key)]
    if len(telling) != 1 or not all(telling[0] in one for one in labels):
        raise folder.refused(
            f"The selector of {service.title} does not tell the two Deployments apart.",
            "one label in it that the pods of both have, with another value each",
            ", ".join(telling) or "no such label",
        )
    (key,) = telling
    if selector[key] not in {one[key] for one in labels}:
        raise folder.refused(
            f"{service.title} selects neither of the two Deployments.",
            " or ".join(f"{key}: {one[key]}" for one in labels),
            f"{key}: {selector[key]}",
        )
    return key


def _switch(service: KubeObject, key: str) -> Place:
    return field_place(service, f"/spec/selector/{escaped(key)}")
