"""Flux: the markers of its image automation, and the images of a Kustomization."""

from __future__ import annotations

from shipway.agents.agent import Object, ObjectRef
from shipway.git.ops_folder import OpsFolder
from shipway.manifests import comments_at
from shipway.rollout.target import Target
from shipway.rollout.writers.other_writer import OtherWriter, names_of

# An ImageUpdateAutomation writes into each value whose line has it, whatever stands there.
_MARKER = "$imagepolicy"


def said_in_markers(folder: OpsFolder, target: Target) -> OtherWriter | None:
    """The marker of an image policy behind an image that the release sets."""
    for field in target.current:
        if field.kind in ("field", "replicas"):
            continue
        path = f"{target.folder}/{field.file}"
        content = folder.files[field.file]
        for line, comment in comments_at(content, field.kind, field.name, path, field.title):
            if _MARKER in comment:
                return OtherWriter(
                    who="Flux's image automation",
                    where=f"{path}:{line}",
                    words=comment,
                    remedy="suspend its ImageUpdateAutomation, then take this comment away; "
                    "docs/moving-in/flux.md has the order",
                )
    return None


def said_by_kustomization(ref: ObjectRef, body: Object, target: Target) -> OtherWriter | None:
    """An entry in `images` of a Kustomization of Flux for an image that the release sets."""
    if ref.kind != "Kustomization":
        return None
    images = (body.get("spec") or {}).get("images") or []
    ours = {name for field in target.image_values for name in names_of(*field)}
    for image in images:
        if image.get("name") in ours:
            return OtherWriter(
                who="Flux",
                where=ref.address,
                words=f"spec.images: {image['name']}",
                remedy="take the entry out of `images` where the Kustomization is made",
            )
    return None
