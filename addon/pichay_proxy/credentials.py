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
    key, token = _key(headers), _token(authorization)
    secret = key or token
    lasting = "" if secret.startswith(_RENEWED) else secret
    encoded = lasting.encode(errors="surrogateescape")  # a header may hold any byte
    fingerprint = hashlib.blake2b(encoded, digest_size=16).hexdigest()
    return Credential(_kind(headers, key, token), fingerprint)


_KEYS = ("x-api-key", "api-key", "x-goog-api-key")
"""Headers that hold a key: of Anthropic, of Azure, of Google."""
_DIGESTS = ("x-amz-content-sha256", "content-digest", "digest", "content-md5")
"""Headers that hold a digest of the body: an edit would contradict them."""
_RENEWED = ("sk-ant-oat", "eyJ", "ya29.")
"""How tokens begin that are renewed in mid-conversation: nothing may be recognised by them.
The last two are those of any provider that signs them (JWT), and of Google's OAuth."""


def _key(headers: Mapping[str, str]) -> str:
    return next((key for name in _KEYS if (key := headers.get(name))), "")


def _token(authorization: str) -> str:
    """Return the token without its scheme, the name of which is written in any case."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else authorization


def _kind(headers: Mapping[str, str], key: str, token: str) -> str:
    if token.startswith("AWS4-") or any(name in headers for name in _DIGESTS):
        return "signed"
    if _is_login(headers, key, token):
        return "subscription"
    if key or token.startswith("sk-"):
        return "api key"
    return "bearer" if token else "none"


def _is_login(headers: Mapping[str, str], key: str, token: str) -> bool:
    """True for a plan of Anthropic's (by its token or beta), or of ChatGPT (by its account)."""
    if "chatgpt-account-id" in headers:
        return True
    betas = (beta.strip() for beta in headers.get("anthropic-beta", "").split(","))
    oauth = any(beta.startswith("oauth-") for beta in betas)
    return oauth or any(t.startswith("sk-ant-oat") for t in (key, token))
