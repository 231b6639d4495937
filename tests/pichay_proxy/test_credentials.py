import pytest

from pichay_proxy.credentials import credential_of

API = "sk-ant-api03-abc"
OAUTH = "sk-ant-oat01-abc"
SIGNED = "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=y"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "none"),
        ({"x-api-key": API}, "api key"),
        ({"x-api-key": ""}, "none"),
        ({"authorization": f"Bearer {API}"}, "api key"),
        ({"authorization": "Bearer sk-proj-abc"}, "api key"),
        ({"authorization": "Bearer ya29.a0Af"}, "bearer"),
        ({"authorization": "Bearer "}, "none"),
        ({"api-key": "0123abcd"}, "api key"),
        ({"x-goog-api-key": "AIzaSy"}, "api key"),
        ({"authorization": "Bearer eyJhbGciOi", "chatgpt-account-id": "a"}, "subscription"),
        ({"authorization": "Bearer at-1", "chatgpt-account-id": "a"}, "subscription"),
        ({"authorization": "Bearer eyJhbGciOi"}, "bearer"),
        ({"authorization": f"Bearer {OAUTH}"}, "subscription"),
        ({"authorization": f"bearer {OAUTH}"}, "subscription"),
        ({"authorization": f"BEARER   {OAUTH}"}, "subscription"),
        ({"authorization": OAUTH}, "subscription"),
        ({"x-api-key": OAUTH}, "subscription"),
        ({"authorization": "Bearer x", "anthropic-beta": "oauth-2025-04-20"}, "subscription"),
        ({"x-api-key": API, "anthropic-beta": "a-1, oauth-2025-04-20"}, "subscription"),
        ({"x-api-key": API, "authorization": f"Bearer {OAUTH}"}, "subscription"),
        ({"x-api-key": API, "anthropic-beta": "not-oauth-2025"}, "api key"),
        ({"authorization": SIGNED}, "signed"),
        ({"authorization": "AWS4-ECDSA-P256-SHA256 Credential=x"}, "signed"),
        ({"x-amz-content-sha256": "0"}, "signed"),
        ({"content-digest": "sha-256=:x:", "x-api-key": "sk-ant-api-1"}, "signed"),
        ({"authorization": "Basic dXNlcjpwYXNz"}, "bearer"),
    ],
)
def test_what_kind_of_credential_a_request_carries(headers, kind):
    assert credential_of(headers).kind == kind


def fingerprint(**headers):
    return credential_of({k.replace("_", "-"): v for k, v in headers.items()}).fingerprint


def test_two_keys_are_told_apart_and_one_key_is_one():
    assert fingerprint(x_api_key="a") == fingerprint(x_api_key="a")
    assert fingerprint(x_api_key="a") != fingerprint(x_api_key="b")
    assert fingerprint(authorization="Bearer a") != fingerprint(authorization="Bearer b")
    assert fingerprint(api_key="a") != fingerprint(api_key="b")
    assert fingerprint(x_goog_api_key="a") != fingerprint(x_goog_api_key="b")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("token", [OAUTH, "eyJhbGciOi", "ya29.a0Af"])
def test_a_token_that_is_renewed_in_mid_conversation_tells_nothing(scheme, token):
    one, other = (fingerprint(authorization=f"{scheme} {token}{n}") for n in "12")
    assert one == other


def test_how_the_scheme_is_written_does_not_count():
    assert fingerprint(authorization="Bearer a") == fingerprint(authorization="bearer  a")


def test_a_fingerprint_does_not_hold_the_key():
    assert "abc" not in fingerprint(x_api_key=API)


def test_a_header_that_is_not_text_is_no_error():
    assert credential_of({"x-api-key": "\udcff"}).kind == "api key"
    assert fingerprint(x_api_key="\udcff") != fingerprint(x_api_key="\udcfe")
