from __future__ import annotations

import base64
import hashlib
import hmac
import time

import pytest

from shipway.webhooks.proofs import TOLERANCE_SECONDS, gitea, github, gitlab

BODY = b'{"ref": "refs/tags/v1"}'
SECRET = "a secret"
KEY = b"k" * 32
TOKEN = f"whsec_{base64.b64encode(KEY).decode()}"


def signature(body: bytes = BODY) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def test_github_signs_the_body() -> None:
    # The example of GitHub's documentation.
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": given}
    assert github("It's a Secret to Everybody", headers, b"Hello, World!") is not None
    assert github("It's a Secret to Everybody", headers, b"Hello, World?") is None


@pytest.mark.parametrize("given", [None, "", signature(), f"sha1={signature()}", "sha256=", "ü"])
def test_any_other_signature_is_no_proof_for_github(given: str | None) -> None:
    headers = {} if given is None else {"x-hub-signature-256": given}
    assert github(SECRET, headers, BODY) is None


def test_gitea_signs_the_body() -> None:
    assert gitea(SECRET, {"x-gitea-signature": signature()}, BODY) is not None
    assert gitea(SECRET, {"x-gitea-signature": signature(b"")}, BODY) is None
    assert gitea(SECRET, {"x-hub-signature-256": f"sha256={signature()}"}, BODY) is None


def test_gitlab_sends_its_secret_token_as_it_is() -> None:
    assert gitlab(SECRET, {"x-gitlab-token": SECRET}, BODY) is not None
    assert gitlab(SECRET, {"x-gitlab-token": f"{SECRET} "}, BODY) is None
    assert gitlab(SECRET, {}, BODY) is None


def signed(at: float, delivery: str = "one", more: str = "") -> dict[str, str]:
    """What GitLab sends that has a signing token."""
    content = f"{delivery}.{int(at)}.".encode() + BODY
    digest = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at)),
        "webhook-signature": f"{more}v1,{digest}",
    }


def test_gitlab_signs_id_time_and_body_with_a_signing_token() -> None:
    now = time.time()
    assert gitlab(TOKEN, signed(now), BODY) is not None
    assert gitlab(TOKEN, signed(now, more="v1,AAAA v1a,BBBB "), BODY) is not None
    assert gitlab(TOKEN, signed(now, "one"), BODY) != gitlab(TOKEN, signed(now, "two"), BODY)
    assert gitlab(TOKEN, signed(now) | {"webhook-id": "two"}, BODY) is None
    assert gitlab(TOKEN, signed(now), BODY + b" ") is None
    assert gitlab(TOKEN, {"x-gitlab-token": TOKEN}, BODY) is None


@pytest.mark.parametrize("late", [-2, 2])
def test_a_signed_delivery_of_another_time_is_no_proof(late: float) -> None:
    at = time.time() + late * TOLERANCE_SECONDS
    assert gitlab(TOKEN, signed(at), BODY) is None


@pytest.mark.parametrize("at", ["", "-1", "now", "1e9", "9" * 5000, "٣"])
def test_what_is_no_time_is_no_proof(at: str) -> None:
    assert gitlab(TOKEN, signed(0) | {"webhook-timestamp": at}, BODY) is None


def test_a_signing_token_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="base64"):
        gitlab("whsec_!", {}, BODY)
