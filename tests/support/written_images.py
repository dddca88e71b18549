"""Folders with an image that a release sets, in each of the places where one may stand."""

from __future__ import annotations

PLAIN = "strategy: rolling\nnamespace: shop\nimages: [{file: all.yaml, container: shop}]\n"
OVERLAY = """\
strategy: rolling
namespace: shop
render: {kustomize: {}}
images: [{file: kustomization.yaml, kustomize: acme/shop}]
"""
VALUES = """\
strategy: rolling
namespace: shop
agent: external
images: [{file: values.yaml, helm: /shop/image}]
"""


def deployment(shop: str, proxy: str = "proxy:2") -> str:
    return (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  template:\n"
        "    spec:\n      containers:\n"
        f"        - name: shop\n          image: {shop}\n"
        f"        - name: proxy\n          image: {proxy}\n"
    )
