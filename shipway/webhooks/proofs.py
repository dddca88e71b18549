"""What proves that a delivery comes from the forge, compared in constant time; one function each.

GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Gitea and Forgejo: https://docs.gitea.com/usage/webhooks
GitLab: https://docs.gitlab.com/user/project/integrations/webhooks. A signing token follows
https://www.standardwebhooks.com; the older secret token is sent as it is, and signs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping

# How far the time of a signed delivery may be from ours, as the standard proposes.
TOLERANCE_SECONDS = 300

_SIGNING_TOKEN = "whsec_"  # noqa: S105  (what it begins with)
_SECONDS = re.compile(r"[0-9]{1,12}")

# From secret, headers by lowercase name, and body to what tells the delivery from every other one;
# None where it is not proven. ValueError where the secret is none.
Proof = Callable[[str, Mapping[str, str], bytes], bytes | None]


def github(secret: str, headers: Mapping[str, str], body: bytes) -> bytes | None:
    """`X-Hub-Signature-256`: of the body alone, not of `X-GitHub-Delivery` or a time."""
    signature = _hmac(secret.encode(), body)
    return _if_equal(headers.get("x-hub-signature-256"), f"sha256={signature.hex()}", signature)


def gitea(secret: str, headers: Mapping[str, str], body: bytes) -> bytes | None:
    """`X-Gitea-Signature`: of the body alone, not of `X-Gitea-Delivery` or a time."""
    signature = _hmac(secret.encode(), body)
    return _if_equal(headers.get("x-gitea-signature"), signature.hex(), signature)


def gitlab(secret: str, headers: Mapping[str, str], body: bytes) -> bytes | None:
    """`webhook-signature` by a signing token, of id, time and body; else `X-Gitlab-Token`."""
    if secret.startswith(_SIGNING_TOKEN):
        return _standard(secret.removeprefix(_SIGNING_TOKEN), headers, body)
    return _if_equal(headers.get("x-gitlab-token"), secret, hashlib.sha256(body).digest())


PROOFS: Mapping[str, Proof] = {"github": github, "gitlab": gitlab, "gitea": gitea}


def _standard(token: str, headers: Mapping[str, str], body: bytes) -> bytes | None:
    key = base64.b64decode(token, validate=True)
    delivery, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _SECONDS.fullmatch(at) or abs(time.time() - int(at)) > TOLERANCE_SECONDS:
        return None
    signature = _hmac(key, f"{delivery}.{at}.".encode("latin-1") + body)
    expected = f"v1,{base64.b64encode(signature).decode()}"
    # While a token is being replaced, there may be several.
    given = headers.get("webhook-signature", "").split(" ")
    return next((signature for one in given if _if_equal(one, expected, signature)), None)


def _hmac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, content, "sha256")


def _if_equal(given: str | None, expected: str, proof: bytes) -> bytes | None:
    """The proof, if what was given is what was expected."""
    # Of equal length: else the time would tell how long a token is.
    ours, theirs = (hashlib.sha256(text.encode()).digest() for text in (expected, given or ""))
    return proof if hmac.compare_digest(ours, theirs) else None
