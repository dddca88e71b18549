"""What a strategy is bound to: an app's folder, and the objects in it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.kubernetes.objects import KubeObject
from shipway.strategies.step import FieldRef
from shipway.strategies.variant import Variant

UNTOUCHED = "everything: nothing was built, pushed or committed"


class AppFolder(BaseModel):
    """An app's folder, read.

    Attributes:
        path: Where it is in the ops repository.
        section: The strategy's section of rollout.yaml.
        images: The fields of the images that a release sets.
        objects: The Kubernetes objects in it.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    section: str
    images: tuple[FieldRef, ...]
    objects: tuple[KubeObject, ...]

    def object(self, title: str) -> KubeObject:
        """An object by its kind and name.

        Raises:
            RefuseError: There is none; with those of that kind.
        """
        found = next((one for one in self.objects if one.title == title), None)
        if found is None:
            same = title.partition("/")[0]
            got = ", ".join(one.title for one in self.objects if one.kind == same)
            expected = f"{title} in the folder"
            raise self.refused(f"There is no {title}.", expected, got or f"no {same}")
        return found

    def variant(self, name: str, deployment: KubeObject) -> Variant:
        """A Deployment as one of a strategy's sides.

        Raises:
            RefuseError: The release sets no image of it, or its replicas are not in Git.
        """
        file = deployment.file.rpartition("/")[2]
        images = tuple(one for one in self.images if one.file == file)
        if not images:
            raise self.refused(
                f"The release sets no image of {deployment.title}.",
                f"an entry of images with file: {file}",
                ", ".join(dict.fromkeys(one.file for one in self.images)),
            )
        replicas = field_of(deployment, "/spec/replicas")
        return Variant(name=name, workload=deployment.title, images=images, replicas=replicas)

    def refused(self, what: str, expected: str, got: str) -> RefuseError:
        """The error for a folder that a strategy cannot work on."""
        where = f"{self.path}/rollout.yaml: {self.section}"
        return RefuseError(what, where=where, expected=expected, got=got, untouched=UNTOUCHED)


def field_of(found: KubeObject, pointer: str) -> FieldRef:
    """Where a field of an object stands.

    Args:
        found: The object.
        pointer: JSON Pointer (RFC 6901) into it.
    """
    file = found.file.rpartition("/")[2]
    return FieldRef(file=file, kind="field", name=pointer, title=found.title)


def pod_labels(deployment: KubeObject) -> dict[str, str]:
    """The labels that a Deployment's pods bear."""
    template = deployment.body.get("spec", {}).get("template", {})
    return template.get("metadata", {}).get("labels") or {}


def selector_of(service: KubeObject) -> dict[str, str]:
    """The labels that a Service selects."""
    return service.body.get("spec", {}).get("selector") or {}


def selects(service: KubeObject, deployment: KubeObject) -> bool:
    """Whether a Service leads to a Deployment's pods."""
    selector = selector_of(service)
    return bool(selector) and selector.items() <= pod_labels(deployment).items()


def escaped(key: str) -> str:
    """A key as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")
