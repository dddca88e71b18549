"""Kubernetes manifests as text: edits that change one scalar's bytes and nothing else."""

from blocks.manifests.edit import Edit, images_of, set_image

__all__ = ["Edit", "images_of", "set_image"]
