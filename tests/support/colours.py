"""The files of a blue/green environment, as people write them."""

from __future__ import annotations

ROLLOUT = b"""\
strategy: blue-green
namespace: shop
images:
- {file: blue.yaml, container: web}
- {file: green.yaml, container: web}
blue_green: {blue: shop-blue, green: shop-green, service: shop, scale_down_delay_seconds: 60}
"""
SERVICE = b"""\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  selector: {app: shop, example.org/colour: blue}  # the switch
  ports: [{port: 80}]
"""


def deployment(colour: str, replicas: int, image: str = "shop:unreleased") -> bytes:
    """The manifest of one colour."""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop-{colour}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: shop, example.org/colour: {colour}}}}}
  template:
    metadata: {{labels: {{app: shop, example.org/colour: {colour}}}}}
    spec:
      containers:
      - name: web
        image: {image}  # set by Shipway
""".encode()


def folder(**files: bytes) -> dict[str, bytes]:
    """The folder before its first release; `rollout_yaml=...` puts another file in its place."""
    named = {name.replace("_", "."): content for name, content in files.items()}
    return {
        "rollout.yaml": ROLLOUT,
        "service.yaml": SERVICE,
        "blue.yaml": deployment("blue", 2),
        "green.yaml": deployment("green", 0),
        **named,
    }
