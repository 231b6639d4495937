import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import certifi
import click
import pytest

from pichay_cli.certificates import AUTHORITY, authority, bundles, certificates_in

CERTIFI = certificates_in(Path(certifi.where()).read_text())


@pytest.fixture(scope="module")
def corporate(tmp_path_factory):
    """A file with another CA, with a comment and Windows line ends."""
    folder = tmp_path_factory.mktemp("corporate")
    file = folder / "corporate.pem"
    file.write_bytes(b"# ours\r\n" + authority(folder).replace("\n", "\r\n").encode())
    return file


def read(path):
    return certificates_in(path.read_text())


def test_the_authority_is_made_once_and_its_key_is_for_its_owner(tmp_path):
    folder = tmp_path / "confdir"
    assert authority(folder) == authority(folder)
    assert stat.S_IMODE((folder / AUTHORITY).stat().st_mode) == 0o600
    assert sorted(file.name for file in folder.iterdir()) == [
        "mitmproxy-ca-cert.cer",
        "mitmproxy-ca-cert.p12",
        "mitmproxy-ca-cert.pem",
        "mitmproxy-ca.p12",
        "mitmproxy-ca.pem",
        "mitmproxy-dhparam.pem",
    ]


def test_two_first_starts_at_once_agree_on_one_authority(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(authority, [tmp_path / "confdir"] * 4))
    assert len(made) == 1


def test_a_client_trusts_whom_it_trusted_before_and_the_authority(
    tmp_path, confdir, corporate, environment
):
    made = bundles(tmp_path, confdir, {"NODE_EXTRA_CA_CERTS": str(corporate)})
    client = read(made.client)
    assert {*CERTIFI, *read(corporate), authority(confdir)} <= set(client)
    assert client[-1] == authority(confdir)
    assert len(client) == len(set(client))


def test_the_proxy_itself_does_not_trust_its_own_authority(tmp_path, confdir, corporate):
    made = bundles(tmp_path, confdir, {"SSL_CERT_FILE": str(corporate)})
    assert read(made.upstream) == read(made.client)[:-1]


def test_the_bundle_of_an_earlier_start_may_be_the_users_own_file(tmp_path, confdir, corporate):
    first = bundles(tmp_path, confdir, {"SSL_CERT_FILE": str(corporate)})
    second = bundles(tmp_path, confdir, {"SSL_CERT_FILE": str(first.client)})
    assert set(read(second.client)) == set(read(first.client))
    assert set(read(second.upstream)) == set(read(first.upstream))


def test_different_lists_never_share_a_file_and_equal_ones_do(tmp_path, confdir, corporate):
    plain = bundles(tmp_path, confdir, {})
    own = bundles(tmp_path, confdir, {"SSL_CERT_FILE": str(corporate)})
    assert plain.client != own.client
    assert bundles(tmp_path, confdir, {}) == plain
    assert len(list(tmp_path.glob("*"))) == 4


def test_a_file_that_cannot_be_read_is_left_out_and_named(tmp_path, confdir):
    made = bundles(tmp_path, confdir, {"SSL_CERT_FILE": "/nowhere/ca.pem"})
    assert made.unreadable == (Path("/nowhere/ca.pem"),)
    assert set(CERTIFI) < set(read(made.client))


def test_a_broken_authority_says_what_to_do(tmp_path):
    (tmp_path / AUTHORITY).write_text("nothing")
    with pytest.raises(click.ClickException, match=r"holds no certificate\. Move it away"):
        authority(tmp_path)
    with pytest.raises(click.ClickException, match="--confdir"):
        authority(tmp_path / AUTHORITY)
