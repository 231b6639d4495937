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
    encoded = lasting.encode(errors="surrogateescape")  # a header may hold any byte
    fingerprint = hashlib.blake2b(encoded, digest_size=16).hexdigest()
    return Credential(_kind(headers, authorization, secret), fingerprint)


_DIGESTS = ("x-amz-content-sha256", "content-digest", "digest", "content-md5")
"""Headers that hold a digest of the body: an edit would contradict them."""
_RENEWED = ("sk-ant-oat", "eyJ", "ya29.")
"""How tokens begin that are renewed in mid-conversation: nothing may be recognised by them."""


def _token(authorization: str) -> str:
    """Return the token without its scheme, the name of which is written in any case."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else authorization


def _kind(headers: Mapping[str, str], authorization: str, secret: str) -> str:
    if authorization.startswith("AWS4-") or any(name in headers for name in _DIGESTS):
        return "signed"
    betas = (beta.strip() for beta in headers.get("anthropic-beta", "").split(","))
    tokens = (secret, _token(authorization))
    if any(t.startswith("sk-ant-oat") for t in tokens) or any(
        beta.startswith("oauth-") for beta in betas
    ):
        return "subscription"
    if headers.get("x-api-key"):
        return "api key"
    return "bearer" if authorization else "none"
