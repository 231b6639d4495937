"""What kind of credential a request carries. The credential itself is never kept.

Source: provider documentation for the kinds; that a rewritten body under a subscription may
be refused or billed apart is reported by users of other proxies, not documented.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credential:
    """Kind and a hash to tell two of them apart."""

    kind: str
    """``api key``, ``subscription``, ``signed``, ``bearer`` or ``none``."""
    fingerprint: str


def credential_of(headers: Mapping[str, str]) -> Credential:
    """Return the credential of a request. Header names are expected in lower case."""
    authorization = headers.get("authorization", "")
    secret = headers.get("x-api-key") or _token(authorization)
    lasting = "" if secret.startswith(_RENEWED) else secret
    fingerprint = hashlib.blake2b(lasting.encode(), digest_size=16).hexdigest()
    return Credential(_kind(headers, authorization), fingerprint)


_RENEWED = ("sk-ant-oat", "eyJ", "ya29.")
"""How tokens begin that are renewed in mid-conversation: nothing may be recognised by them."""


def _token(authorization: str) -> str:
    return authorization.removeprefix("Bearer ").strip()


def _kind(headers: Mapping[str, str], authorization: str) -> str:
    if authorization.startswith("AWS4-HMAC-SHA256") or "x-amz-content-sha256" in headers:
        return "signed"
    betas = (beta.strip() for beta in headers.get("anthropic-beta", "").split(","))
    if _token(authorization).startswith("sk-ant-oat") or any(
        beta.startswith("oauth-") for beta in betas
    ):
        return "subscription"
    if headers.get("x-api-key"):
        return "api key"
    return "bearer" if authorization else "none"
