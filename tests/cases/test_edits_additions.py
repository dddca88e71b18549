"""A newTag or a digest that is missing is added, and no other byte changes.

In a kustomization, the entry alone asks for it; elsewhere rollout.yaml does:
a chart may read no digest.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import yaml

from bench.gitops.shapes import DIGEST, IMAGE, REPOSITORY, TAG
from shipway.config.rollout import read_rollout
from shipway.errors import RefuseError
from shipway.manifests import Kind, image_at, set_image
from shipway.rollout.target import target_of
from tests.cases.edits import folder, marked

FILE = "prod/shop/kustomization.yaml"
R = REPOSITORY

# «new» is what is added; «old|new» is what is replaced.
ENTRIES = [
    pytest.param("images:\n- name: REPO\n«  digest: SHA\n»", None, id="a name only"),
    pytest.param("images:\n- name: REPO«\n  digest: SHA»", None, id="no line end"),
    pytest.param("images:\r\n  - name: REPO\r\n«    digest: SHA\r\n»", None, id="CRLF"),
    pytest.param("images:\r\n- name: REPO«\r\n  digest: SHA»", None, id="CRLF, no line end"),
    pytest.param("\ufeffimages:\n-   name: REPO\n«    digest: SHA\n»a: 1\n", None, id="mark"),
    pytest.param(
        "images:\n- name: REPO  # why\n«  digest: SHA\n»  # below\n\n- name: b\n",
        None,
        id="comments",
    ),
    pytest.param(
        "images:\n- newName: «shop|REPO»\n  name: REPO\n«  digest: SHA\n»", None, id="name last"
    ),
    pytest.param("images: [{name: REPO«, digest: SHA»}]\n", None, id="flow"),
    pytest.param("images: [{name: 'REPO'«, digest: SHA» }, {name: b}]\n", None, id="flow, two"),
    pytest.param('{"images": [{"name": "REPO"«, "digest": "SHA"»}]}\n', None, id="JSON"),
    pytest.param('{"images":[{"name":"REPO"«,"digest":"SHA"»}]}', None, id="JSON without spaces"),
    pytest.param(
        '{"images": [\n\t{\n\t\t"name": "REPO"«,»\n«\t\t"digest": "SHA"\n»\t}\n]}\n',
        None,
        id="JSON over lines, with tabs",
    ),
    pytest.param(
        "images: [\n  {\n   name: REPO, # why\n«   digest: SHA,\n»  },\n]\n",
        None,
        id="flow over lines, with a comma at the end",
    ),
    pytest.param(
        "images:\n- {\n  name: REPO«,» # why\n«  digest: SHA\n»  }\n",
        None,
        id="flow with a comment",
    ),
    pytest.param("images:\n- name: REPO\n«  newTag: BOTH\n»", "newTag", id="newTag asked for"),
    pytest.param(
        "images:\n- name: REPO\n  newTag: «v1|TAG»\n«  digest: SHA\n»",
        "digest",
        id="beside a newTag",
    ),
    pytest.param(
        "images: [{name: REPO, newTag: «v1|TAG»«, digest: SHA»}]\n", "digest", id="both, flow"
    ),
    pytest.param(
        "images:\n- name: REPO\n«  newTag: TAG\n»  digest: «sha256:0|SHA»\n",
        "newTag",
        id="a newTag beside a digest",
    ),
    pytest.param("images:\n- name: REPO\n  newTag: «v1|BOTH»\n", None, id="nothing is missing"),
    pytest.param(
        "a: {x: 1}\n---\nimages:\n- <<: {a: 1}\n  name: REPO\n«  digest: SHA\n»", None, id="merge"
    ),
]
VALUES = [
    pytest.param(
        "image:\n  repository: «shop|REPO»\n  tag: «v1|TAG»\n«  digest: SHA\n»  more: 1\n",
        "digest",
        id="digest",
    ),
    pytest.param(
        "image:\n    repository: «shop|REPO»\n«    digest: SHA\n»web: 1\n", "digest", id="no tag"
    ),
    pytest.param("image:\n  repository: «shop|REPO»\n«  tag: BOTH\n»", "tag", id="tag"),
    pytest.param(
        "image: {repository: «shop|REPO», tag: «'v1'|'TAG'»«, digest: SHA», more: 1}\n",
        "digest",
        id="flow",
    ),
    pytest.param(
        "image:\n  repository: >-\n    «shop|REPO»\n  tag: «v1|TAG»\n«  digest: SHA\n»",
        "digest",
        id="below a block",
    ),
    pytest.param(
        "image:\n  registry: «a|registry.example.org»\n  repository: shop\n«  digest: SHA\n»",
        "digest",
        id="registry",
    ),
]


def filled(text: str) -> str:
    """A text with the image's own names."""
    for word, value in (("BOTH", f"{TAG}@{DIGEST}"), ("REPO", R), ("SHA", DIGEST), ("TAG", TAG)):
        text = text.replace(word, value)
    return text


def kustomize_and_helm() -> list[Any]:
    rows = [("kustomize", R, one) for one in ENTRIES] + [("helm", "/image", one) for one in VALUES]
    return [
        pytest.param(kind, name, *row.values, id=f"{kind}: {row.id}") for kind, name, row in rows
    ]


@pytest.mark.parametrize(("kind", "name", "text", "add"), kustomize_and_helm())
def test_it_is_added_and_nothing_else_changes(
    kind: Kind, name: str, text: str, add: str | None
) -> None:
    before, expected = marked(filled(text))
    after = set_image(before, kind, name, IMAGE, FILE, add=add)
    assert after == expected
    assert image_at(after, kind, name, FILE).endswith(f"@{DIGEST}")
    assert set_image(after, kind, name, IMAGE, FILE, add=add) == after


@pytest.mark.parametrize(("text", "add"), [row for row in ENTRIES if "CRLF" not in str(row.id)])
@pytest.mark.skipif(which("kubectl") is None, reason="kustomize is the judge here")
def test_kustomize_renders_it(text: str, add: str | None, tmp_path: Path) -> None:
    after = set_image(marked(filled(text))[0], "kustomize", R, IMAGE, FILE, add=add).decode(
        "utf-8-sig"
    )
    (entry,) = (
        entry
        for document in yaml.load_all(after, yaml.CSafeLoader)
        for entry in document.get("images", [])
        if entry["name"] == R
    )
    known = {
        key: value for key, value in entry.items() if key in {"name", "newName", "newTag", "digest"}
    }
    made = yaml.safe_dump({"resources": ["pod.yaml"], "images": [known]})
    (tmp_path / "kustomization.yaml").write_text(made)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
    (tmp_path / "pod.yaml").write_text(f"{pod}  - image: {R}:v0\n")
    command = ["kubectl", "kustomize", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert f"@{DIGEST}" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("kind", "name", "text", "add", "what"),
    [
        pytest.param("helm", "/image", "image: {repository: a}", None, "The digest has no place",
                     id="not asked for"),
        pytest.param("kustomize", R, f"x: &a {{name: {R}}}\nimages: [*a]\n", None,
                     "cannot change alone", id="an anchor that others share"),
        pytest.param("kustomize", R, f"images: [name: {R}]\n", None, "cannot change alone",
                     id="a pair without braces"),
        pytest.param("kustomize", R, f"images:\n- ? name\n  : {R}\n", None, "would break the file",
                     id="a key of its own line"),
        pytest.param("kustomize", R, f"images:\n- name: |-\n    {R}\n", None, "cannot be added",
                     id="a block alone"),
        pytest.param("kustomize", "shop", "images: [{name: shop}]\n", None, "another name",
                     id="another name"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_refused(
    kind: Kind, name: str, text: str, add: str | None, what: str
) -> None:
    with pytest.raises(RefuseError, match=what) as caught:
        set_image(text.encode(), kind, name, IMAGE, FILE, add=add)
    if add is None and kind == "helm":
        assert "`add: digest`" in str(caught.value.facts["remedy"])


ROLLOUT = "strategy: rolling\nnamespace: shop\nagent: external\nimages:\n"


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("{file: a.yaml, helm: /image, add: digest}", None),
        ("{file: a.yaml, helm: /image, add: tag}", None),
        ("{file: a.yaml, kustomize: a, add: newTag}", None),
        ("{file: a.yaml, kustomize: a, add: digest}", None),
        ("{file: a.yaml, kustomize: a, add: tag}", "newTag"),
        ("{file: a.yaml, helm: /image, add: newTag}", "tag"),
        ("{file: a.yaml, container: a, add: digest}", "add"),
        ("{file: a.yaml, helm: /image, add: other}", "add"),
    ],
)
def test_rollout_yaml_asks_for_it(image: str, words: str | None) -> None:
    text = f"{ROLLOUT}- {image}\n"
    if words is None:
        read_rollout(text)
        return
    with pytest.raises(RefuseError, match=words):
        read_rollout(text)


def test_a_release_adds_what_rollout_yaml_asks_for() -> None:
    rollout = f"{ROLLOUT}- {{file: values.yaml, helm: /image, add: digest}}\n"
    target = target_of(folder(rollout, "image: {repository: shop}\n", "values.yaml"))
    assert [edit.field.add for edit in target.settings] == ["digest"]
