"""A tagSuffix in a kustomization's entry says nothing beside a newTag or a digest.

kustomize adds it to the base's tag only where the entry has neither (kustomize#4364).
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which

import pytest

from bench.gitops.shapes import DIGEST, IMAGE, REPOSITORY, TAG
from shipway.manifests import image_at, set_image
from tests.cases.edits import marked

FILE = "prod/shop/kustomization.yaml"
BASE = f"images:\n- name: {REPOSITORY}\n"
NEW = f"{TAG}@{DIGEST}"


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        pytest.param(f"  newTag: «v1|{NEW}»\n  tagSuffix: -x\n", True, id="newTag"),
        pytest.param(f"  tagSuffix: -x\n  newTag: «v1|{NEW}»\n", True, id="before the newTag"),
        pytest.param(f"  digest: «sha256:0|{DIGEST}»\n  tagSuffix: -x\n", False, id="digest"),
        pytest.param(
            f"  newTag: «v1|{TAG}»\n  digest: «sha256:0|{DIGEST}»\n  tagSuffix: -x\n",
            True,
            id="both",
        ),
        pytest.param(f"«  digest: {DIGEST}\n»  tagSuffix: -x\n", False, id="neither"),
        pytest.param(f"  tagSuffix: ''\n  newTag: «v1|{NEW}»\n", True, id="empty"),
    ],
)
@pytest.mark.skipif(which("kubectl") is None, reason="kustomize is the judge here")
def test_the_image_is_what_kustomize_renders(text: str, tag: bool, tmp_path: Path) -> None:
    before, expected = marked(BASE + text)
    after = set_image(before, "kustomize", REPOSITORY, IMAGE, FILE)
    assert after == expected
    (tmp_path / "kustomization.yaml").write_bytes(after + b"resources: [pod.yaml]\n")
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
    (tmp_path / "pod.yaml").write_text(f"{pod}  - image: {REPOSITORY}:base\n")
    command = ["kubectl", "kustomize", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    image = f"{REPOSITORY}:{NEW}" if tag else f"{REPOSITORY}@{DIGEST}"
    assert f"image: {image}\n" in done.stdout, done.stderr
    assert image_at(after, "kustomize", REPOSITORY, FILE) == image
