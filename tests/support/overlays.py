"""The files of overlays of Kustomize, as people write them: a base, and an app's folder."""

from __future__ import annotations

from collections.abc import Mapping

from shipway.git.ops_folder import OpsFolder
from tests.support import canary_folder, colours
from tests.support.app_environments import SHOP

BASE = "base/shop"
RENDER = "render: {kustomize: {include: [base/shop]}}\n"

# Each colour's own name of the image is what tells the entries of `images:` apart.
BLUE_GREEN_BASE = {
    f"{BASE}/kustomization.yaml": b"resources: [blue.yaml, green.yaml, service.yaml]\n",
    f"{BASE}/blue.yaml": colours.deployment("blue", 1, "shop-blue"),
    f"{BASE}/green.yaml": colours.deployment("green", 1, "shop-green"),
    f"{BASE}/service.yaml": colours.SERVICE,
}
BLUE_GREEN = {
    "rollout.yaml": f"""\
strategy: blue-green
namespace: shop
images:
- {{file: kustomization.yaml, kustomize: shop-blue}}
- {{file: kustomization.yaml, kustomize: shop-green}}
blue_green: {{blue: shop-blue, green: shop-green, service: shop, scale_down_delay_seconds: 60}}
{RENDER}""",
    "kustomization.yaml": """\
namespace: shop
resources: [../../base/shop]
images:
- {name: shop-blue, newName: shop, digest: ''}  # set by Shipway
- {name: shop-green, newName: shop, digest: ''}
replicas:
- {name: shop-blue, count: 2}
- {name: shop-green, count: 0}
patches:
- path: blue.yaml
- path: green.yaml
  target: {kind: Deployment, name: shop-green}
- path: switch.yaml
""",
    "blue.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-blue}
spec:
  template:
    metadata: {labels: {example.org/colour: blue}}
    spec: {containers: [{name: web, image: shop-blue}]}
""",
    "green.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-green}
spec:
  template:
    metadata: {labels: {example.org/colour: green}}
    spec: {containers: [{name: web, image: shop-green}]}
""",
    "switch.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {example.org/colour: blue}  # the switch
""",
}

CANARY_BASE = {
    f"{BASE}/kustomization.yaml": b"resources: [services.yaml, stable.yaml, canary.yaml]\n",
    f"{BASE}/services.yaml": canary_folder.SERVICES,
    f"{BASE}/stable.yaml": canary_folder.deployment("shop", "stable", 1),
    f"{BASE}/canary.yaml": canary_folder.deployment("shop-canary", "canary", 1),
}
CANARY = {
    "rollout.yaml": canary_folder.ROLLOUT.decode() + RENDER,
    "kustomization.yaml": """\
resources: [../../base/shop, route.yaml]
patches:
- path: stable.yaml
- path: canary.yaml
- path: services.yaml
""",
    "route.yaml": canary_folder.ROUTE.decode(),
    "stable.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 3
  template:
    metadata: {labels: {track: stable}}
    spec: {containers: [{name: web, image: 'shop:unreleased'}]}
""",
    "canary.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop-canary}
spec:
  replicas: 0
  template:
    metadata: {labels: {track: canary}}
    spec: {containers: [{name: web, image: 'shop:unreleased'}]}
""",
    "services.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: shop-stable}
spec: {selector: {track: stable}}
---
apiVersion: v1
kind: Service
metadata: {name: shop-canary}
spec: {selector: {track: canary}}
""",
}


def folder_of(files: Mapping[str, str | None]) -> OpsFolder:
    """An app's folder with some files; None is a file that is not there."""
    content = {name: text.encode() for name, text in files.items() if text is not None}
    return OpsFolder(app_environment=SHOP, commit="0" * 40, files=content)
