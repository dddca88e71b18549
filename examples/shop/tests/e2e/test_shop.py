import os
import uuid
from pathlib import Path

import httpx
import pytest


@pytest.fixture(scope="module")
def shop() -> httpx.Client:
    """The running image, from outside."""
    return httpx.Client(base_url=os.environ["APP_URL"], timeout=10)


def test_it_says_its_version(shop: httpx.Client) -> None:
    expected = Path("VERSION").read_text().strip()
    assert shop.get("/version").json()["version"] == expected
    assert f"<h1>{expected}</h1>" in shop.get("/").text


def test_it_is_alive_and_ready(shop: httpx.Client) -> None:
    assert shop.get("/healthz").status_code == 200
    assert shop.get("/readyz").json() == {"status": "ok"}


def test_a_customer_orders_a_mug_once(shop: httpx.Client) -> None:
    def stock() -> int:
        return next(
            product["stock"] for product in shop.get("/products").json() if product["sku"] == "MUG"
        )

    before, key = stock(), {"Idempotency-Key": uuid.uuid4().hex}
    answers = [shop.post("/orders", json={"items": {"MUG": 1}}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert stock() == before - 1


def test_mistakes_are_told(shop: httpx.Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert shop.post("/orders", json={"items": {"MUG": 1}}).status_code == 400
    assert shop.post("/orders", json={"items": {"HAT": 1}}, headers=key).status_code == 404
    assert shop.post("/orders", json={"items": {"TEE": 0}}, headers=key).status_code == 400


def test_its_metrics_count_requests(shop: httpx.Client) -> None:
    shop.get("/version")
    metrics = shop.get("/metrics").text
    assert 'shop_requests_total{path="/version",status="200"' in metrics
