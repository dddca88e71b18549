"""What a strategy is bound to: an app's folder, and the objects in it."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

from shipway.documents.yaml_text import REMEDY
from shipway.errors import RefuseError
from shipway.kubernetes.autoscaler import autoscaler_of
from shipway.kubernetes.objects import KubeObject
from shipway.manifests.overlay import Overlay
from shipway.strategies.step import FieldRef
from shipway.strategies.variant import Variant

UNTOUCHED = "everything: nothing was built, pushed or committed"
REPLICAS = "/spec/replicas"
_OVERLAY_REMEDY = (
    "an overlay's own folder has to say what the strategy reads and sets, with labels and "
    "selectors: each object in one file, in `resources:` or as a patch of it alone in `patches:`"
)
# What Kubernetes takes where a manifest leaves a field out.
_DEFAULTS = {REPLICAS: 1}


class AppFolder(BaseModel):
    """An app's folder, read.

    Attributes:
        path: Where it is in the ops repository.
        section: The strategy's section of rollout.yaml.
        images: The fields of the images that a release sets.
        objects: The Kubernetes objects in it.
        namespace: The namespace of those that name none.
        overlay: What the folder's kustomization takes from it, where there is one to be rendered:
            the objects are those of the folder then, and may be parts of them.
        live_pods: How many pods the cluster says that a workload has, by kind and name, as far as
            it was asked.
    """

    model_config = ConfigDict(frozen=True)

    path: str
    section: str
    images: tuple[FieldRef, ...]
    objects: tuple[KubeObject, ...]
    namespace: str | None = None
    overlay: Overlay | None = None
    live_pods: Mapping[str, int] = {}

    def object(self, title: str) -> KubeObject:
        """An object by its kind and name.

        Raises:
            RefuseError: There is none; with those of that kind. Or several files have parts of it.
        """
        found = [kube_object for kube_object in self.objects if kube_object.title == title]
        if found and (self.overlay is None or len(found) == 1):
            return found[0]
        if found:
            got = ", ".join(kube_object.file_name for kube_object in found)
            raise self.refusal(f"{title} stands in the folder twice.", "one file or patch", got)
        kind = title.partition("/")[0]
        titles = [same_kind.title for same_kind in self.objects if same_kind.kind == kind]
        expected = f"{title} in the folder"
        raise self.refusal(f"There is no {title}.", expected, ", ".join(titles) or f"no {kind}")

    def variant(self, name: str, deployment: KubeObject) -> Variant:
        """A Deployment as one of a strategy's variants.

        Raises:
            RefuseError: The release sets no image of it.
        """
        file, title = deployment.file_name, deployment.title
        images = tuple(image for image in self.images if image.may_be_in(file, title))
        if not images:
            expected = f"an entry of images with file: {file}, and object: {title} if it names one"
            if self.overlay is not None:
                expected += f"; or with kustomize: and the name of an image in {file}"
            raise self.refusal(
                f"The release sets no image of {deployment.title}.",
                expected,
                ", ".join(dict.fromkeys(image.file for image in self.images)),
            )
        return Variant(
            name=name,
            workload=deployment.title,
            images=images,
            replicas=self.replicas_of(deployment),
            autoscaler=autoscaler_of(deployment, self.objects, self.namespace),
            live_pods=self.live_pods.get(deployment.title),
        )

    def replicas_of(self, deployment: KubeObject) -> FieldRef:
        """The number of a Deployment's pods: in `replicas:` of the kustomization, or in itself."""
        if self.overlay is None or deployment.name not in self.overlay.counted:
            return field_of(deployment, REPLICAS)
        return FieldRef(
            file=self.overlay.file, kind="replicas", name=REPLICAS, title=deployment.title
        )

    def refusal(self, what: str, expected: str, got: str) -> RefuseError:
        """The error for a folder that a strategy cannot work on."""
        where = f"{self.path}/rollout.yaml: {self.section}"
        remedy = REMEDY if self.overlay is None else _OVERLAY_REMEDY
        return RefuseError(
            what, where=where, expected=expected, got=got, untouched=UNTOUCHED, remedy=remedy
        )


def field_of(kube_object: KubeObject, pointer: str) -> FieldRef:
    """A field of an object.

    Args:
        kube_object: The object.
        pointer: JSON Pointer (RFC 6901) into it.
    """
    return FieldRef(
        file=kube_object.file_name,
        kind="field",
        name=pointer,
        title=kube_object.title,
        default=_DEFAULTS.get(pointer),
    )


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
