"""The files of an environment with a canary, as people write them."""

from __future__ import annotations

ROLLOUT = b"""\
strategy: canary
namespace: shop
images:
- {file: stable.yaml, container: web}
- {file: canary.yaml, container: web}
canary:
  stable: shop
  canary: shop-canary
  router: {http_route: shop}
  steps:
  - {weight: 1, pause_seconds: 30}
  - {weight: 10}
  - {weight: 50, pause_seconds: 0, approval: true}
"""
ROUTE = b"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  rules:
  - matches: [{path: {value: /static}}]
    backendRefs: [{name: files, port: 80}]
  - backendRefs:
    - {name: shop-stable, port: 80, weight: 100}
    - {name: shop-canary, port: 80, weight: 0}  # set by Shipway
"""


def service(name: str, *labels: str) -> str:
    """A Service of the pods with these labels."""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{{", ".join(labels)}}}, ports: [{{port: 80}}]}}
---
"""


SERVICES = (
    service("shop-stable", "app: shop", "track: stable")
    + service("shop-canary", "app: shop", "track: canary")
    + service("shop", "app: shop")
).encode()


def deployment(name: str, track: str, replicas: int) -> bytes:
    """The manifest of one variant."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: shop, track: {track}}}}}
  template:
    metadata: {{labels: {{app: shop, track: {track}}}}}
    spec:
      containers:
      - name: web
        image: shop:unreleased  # set by Shipway
""".encode()


def folder(**files: bytes) -> dict[str, bytes]:
    """The folder before its first release; `rollout_yaml=...` puts another file in its place."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    return {
        "rollout.yaml": ROLLOUT,
        "services.yaml": SERVICES,
        "route.yaml": ROUTE,
        "stable.yaml": deployment("shop", "stable", 3),
        "canary.yaml": deployment("shop-canary", "canary", 0),
        **named,
    }
