"""Files as teams write them, each with the bytes that a release replaces.

`«old|new»` marks the replaced bytes and what must stand there afterwards; all else must stay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shipway.image_ref import ImageRef
from shipway.manifests import Kind

DIGEST = "sha256:" + "0123456789abcdef" * 4
TAG = "8f2c1ab"
REPOSITORY = "registry.example.org/shop"
IMAGE = ImageRef(repository=REPOSITORY, tag=TAG, digest=DIGEST)
PINNED = f"{REPOSITORY}@{DIGEST}"
BOTH = f"{REPOSITORY}:{TAG}@{DIGEST}"

_MARK = re.compile("«([^|«»]*)\\|([^|«»]*)»", re.DOTALL)


@dataclass(frozen=True)
class Shape:
    """One file with its marks, and where in it the image stands."""

    title: str
    marked: str
    kind: Kind = "container"
    name: str = "web"

    @property
    def before(self) -> bytes:
        """The file as the team wrote it."""
        return _MARK.sub(lambda mark: mark[1], self.marked).encode()

    @property
    def after(self) -> bytes:
        """The file as it must be after the release."""
        return _MARK.sub(lambda mark: mark[2], self.marked).encode()

    @property
    def scalars(self) -> int:
        """How many values the release sets."""
        return len(_MARK.findall(self.marked))


def _marked(text: str, old: str = "shop:1", new: str = PINNED) -> str:
    return text.replace("IMAGE", f"«{old}|{new}»")


def _workload(kind: str, body: str) -> str:
    return _marked(f"apiVersion: apps/v1\nkind: {kind}\nmetadata:\n  name: web\nspec:\n{body}")


_POD = "      containers:\n      - name: web\n        image: IMAGE\n"
_TEMPLATE = f"  template:\n    spec:\n{_POD}"


def _value(text: str) -> str:
    """A container whose image field is written as `text`, between two that must stay."""
    return (
        "containers:\n- name: proxy\n  image: shop:1\n- name: web\n  image:"
        + text
        + "\n- {name: last, image: shop:1}\n"
    )


_HELM_WEB = "web:\n  replicas: 2 # two\n  image:\n    repository: "
_LONG = "x" * 20_000

SHAPES = (
    # Every kind that has pods.
    Shape("Deployment", _workload("Deployment", _TEMPLATE)),
    Shape("StatefulSet", _workload("StatefulSet", f"  serviceName: web\n{_TEMPLATE}")),
    Shape("DaemonSet", _workload("DaemonSet", _TEMPLATE)),
    Shape("ReplicaSet", _workload("ReplicaSet", _TEMPLATE)),
    Shape("Job", _workload("Job", _TEMPLATE)),
    Shape(
        "CronJob",
        _marked(
            "kind: CronJob\nspec:\n  schedule: '*/5 * * * *'\n  jobTemplate:\n    spec:\n"
            "      template:\n        spec:\n          containers:\n          - name: web\n"
            "            image: IMAGE\n"
        ),
    ),
    Shape("Pod", _marked("kind: Pod\nspec:\n  containers:\n  - name: web\n    image: IMAGE\n")),
    Shape(
        "custom resource (Argo Rollout)",
        _marked(f"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec:\n{_TEMPLATE}"),
    ),
    Shape(
        "List of objects",
        _marked(
            "kind: List\nitems:\n- kind: Service\n- kind: Pod\n  spec:\n    containers:\n"
            "    - name: web\n      image: IMAGE\n"
        ),
    ),
    # Where in the pod.
    Shape(
        "init container",
        _marked("initContainers:\n- name: web\n  image: IMAGE\ncontainers:\n- name: app\n"),
    ),
    Shape(
        "one container of several",
        _marked(
            "containers:\n- name: a\n  image: shop:1\n- name: web\n  image: IMAGE\n"
            "- name: b\n  image: shop:1\n"
        ),
    ),
    Shape("image before name", _marked("containers:\n- image: IMAGE\n  name: web\n")),
    Shape(
        "one document of several",
        _marked(
            "# head\n---\nkind: Service\n---\ncontainers: [{name: web, image: IMAGE}]\n---\na: 1\n"
        ),
    ),
    Shape(
        "directives and document end",
        _marked("%YAML 1.1\n---\ncontainers: [{name: web, image: IMAGE}]\n...\n"),
    ),
    # What the image was.
    Shape("by tag", _value(f" «shop:1|{PINNED}»")),
    Shape("by digest", _value(f" «shop@{DIGEST}|{PINNED}»")),
    Shape("by tag and digest", _value(f" «shop:1@{DIGEST}|{BOTH}»")),
    Shape("with a port in the registry", _value(f" «localhost:5000/shop|{PINNED}»")),
    Shape("a placeholder", _value(f" «PLACEHOLDER|{PINNED}»")),
    # How the scalar is written.
    Shape("single quotes", _value(f" «'shop:1'|'{PINNED}'»")),
    Shape("double quotes", _value(f' «"shop:1"|"{PINNED}"»')),
    Shape("double quotes with an escape", _value(f' «"sh\\x6fp:1"|"{PINNED}"»')),
    Shape("quotes over two lines", _value(f' «"shop:\\\n    1"|"{PINNED}"»')),
    Shape("plain over two lines", _value(f" «shop\n    one|{PINNED}»")),
    Shape("on the next line", _value(f"\n    «shop:1|{PINNED}»")),
    Shape("folded block", _value(f" >-\n    «shop:1|{PINNED}»")),
    Shape("literal block with a comment", _value(f" |- # why: a reason\n    «shop:1|{PINNED}»")),
    Shape("spaces around", _value(f"    «shop:1|{PINNED}»   ")),
    Shape("a comment behind", _value(f" «shop:1|{PINNED}»  # {{kept}}: «as» it is")),
    Shape("a comment with tabs", _value(f" «shop:1|{PINNED}»\t#\tkept\tso")),
    Shape("an anchor without aliases", _value(f" &image «shop:1|{PINNED}»")),
    Shape("a tag of its own", _value(f" !!str «shop:1|{PINNED}»")),
    Shape("anchor, tag and comment", _value(f" &i !!str # why\n    «'shop:1'|'{PINNED}'»")),
    # How the file is written.
    Shape("flow style", _marked("{spec: {containers: [{name: web, image: IMAGE}]}}\n")),
    Shape(
        "flow style over lines",
        _marked("containers: [\n  {name: web,\n   image: IMAGE, # here\n  },\n]\n"),
    ),
    Shape(
        "JSON",
        _marked('{"containers": [{"name": "web", "image": "IMAGE"}], "n": 1.10}\n'),
    ),
    Shape("CRLF line ends", _workload("Deployment", _TEMPLATE).replace("\n", "\r\n")),
    Shape("byte order mark", "\ufeff" + _workload("Deployment", _TEMPLATE)),
    Shape("no line end at the end", _workload("Deployment", _TEMPLATE).rstrip("\n")),
    Shape("very long lines", f"a: {_LONG}\n# {_LONG}\n{_workload('Job', _TEMPLATE)}"),
    Shape("letters beyond ASCII", f"# é 😀\nä: 'ö 😀'\n{_workload('Job', _TEMPLATE)}# 中\n"),
    Shape(
        "anchors, aliases and merges elsewhere",
        "labels: &l {app: web}\nselector: *l\nmore: {<<: *l, b: 1}\n"
        + _workload("Deployment", _TEMPLATE),
    ),
    Shape(
        "values that look like numbers and dates",
        "a: 1.10\nb: 22:22\nc: 2024-01-01\nd: 0o17\ne: yes\n" + _workload("Job", _TEMPLATE),
    ),
    Shape(
        "wide and uneven indentation",
        _marked("containers:\n    -   name: web\n        image: IMAGE\n"),
    ),
    Shape("blank lines and trailing spaces", _workload("Job", f"\n  \n{_TEMPLATE}\n  \n\n")),
    # Kustomize.
    Shape(
        "kustomization: newTag",
        f"images:\n- name: {REPOSITORY}\n  newTag: «v1|{TAG}@{DIGEST}»\n",
        "kustomize",
        REPOSITORY,
    ),
    Shape(
        "kustomization: newTag like a number",
        f'images:\n- name: {REPOSITORY}\n  newTag: «"1.10"|"{TAG}@{DIGEST}"» # quoted\n',
        "kustomize",
        REPOSITORY,
    ),
    Shape(
        "kustomization: digest",
        f"images:\n- name: other\n  digest: a\n- name: shop\n  newName: «a/shop|{REPOSITORY}»\n"
        f"  digest: «sha256:0|{DIGEST}»\n",
        "kustomize",
        "shop",
    ),
    Shape(
        "kustomization: all fields, flow style",
        f"images: [{{name: shop, newName: «a|{REPOSITORY}», newTag: «v1|{TAG}», "
        f"digest: «sha256:0|{DIGEST}»}}]\nresources: [../base]\n",
        "kustomize",
        "shop",
    ),
    # Helm values.
    Shape(
        "values: repository and tag",
        f'{_HELM_WEB}«a/shop|{REPOSITORY}»\n    tag: «"v1"|"{TAG}@{DIGEST}"»\n',
        "helm",
        "/web/image",
    ),
    Shape(
        "values: repository, tag and digest",
        f'{_HELM_WEB}«a/shop|{REPOSITORY}»\n    tag: «v1|{TAG}»\n    digest: «""|"{DIGEST}"»\n',
        "helm",
        "/web/image",
    ),
    Shape(
        "values: registry of its own",
        "image:\n  registry: «docker.io|registry.example.org»\n  repository: «a/shop|shop»\n"
        f"  tag: «''|'{TAG}@{DIGEST}'» # the chart's version if empty\n",
        "helm",
        "/image",
    ),
    Shape(
        "values: one string",
        _marked("# values\nimage: IMAGE\n"),
        "helm",
        "/image",
    ),
    Shape(
        "values: one of a list, key with a slash",
        _marked("a/b:\n- {image: 'other:1'}\n- {image: 'IMAGE'}\n"),
        "helm",
        "/a~1b/1/image",
    ),
)
