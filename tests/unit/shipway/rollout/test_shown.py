from __future__ import annotations

from shipway.rollout.shown import shown

MANIFESTS = b"""\
apiVersion: v1
kind: Secret
metadata: {name: shop, annotations: {note: swordfish}}
stringData:
  password: hunter2
  key: |
    BEGIN
    token

type: Opaque
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: cart}
  data: {password: aHVudGVyMg==}  # of the cart
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, annotations: {shipway.dev/sensitive: "/spec/env/0, /spec/none"}}
note: &token swordfish
spec: {replicas: 2, env: [*token, plain]}
"""


def test_values_of_secrets_are_hidden_and_every_line_stays_where_it_is() -> None:
    text = shown({"prod/shop/all.yaml": MANIFESTS})["prod/shop/all.yaml"].decode()
    assert text.splitlines() == [
        "apiVersion: v1",
        "kind: Secret",
        "metadata: {name: shop, annotations: hidden}",
        "stringData:",
        "  hidden",
        "hidden",
        "hidden",
        "hidden",
        "",
        "type: Opaque",
        "---",
        "apiVersion: v1",
        "kind: List",
        "items:",
        "- apiVersion: v1",
        "  kind: Secret",
        "  metadata: {name: cart}",
        "  data: hidden  # of the cart",
        "---",
        "apiVersion: apps/v1",
        "kind: Deployment",
        'metadata: {name: shop, annotations: {shipway.dev/sensitive: "/spec/env/0, /spec/none"}}',
        "note: hidden",
        "spec: {replicas: 2, env: [*token, plain]}",
    ]


def test_what_holds_nothing_confidential_keeps_its_bytes() -> None:
    text = b"\xef\xbb\xbfkind: ConfigMap\r\ndata: {a: b}\r\n"
    assert shown({"a.yaml": text}) == {"a.yaml": text}
