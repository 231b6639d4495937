import ssl

from cryptography import x509

from pichay_cli.demo.certificate import make_certificate


def test_the_leaf_is_for_loopback_only_and_lives_a_day(tmp_path):
    leaf = x509.load_pem_x509_certificate(make_certificate(tmp_path).leaf.read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["127.0.0.1", "::1", "localhost"]
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).total_seconds() < 2 * 86400


def test_the_key_is_the_owner_s_only(tmp_path):
    assert make_certificate(tmp_path).key.stat().st_mode & 0o077 == 0


def test_two_authorities_do_not_trust_each_other(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    one, other = (make_certificate(tmp_path / name) for name in ("one", "other"))
    assert one.authority.read_bytes() != other.authority.read_bytes()


def test_the_authority_passes_the_strict_checks_of_newer_pythons(tmp_path):
    """The handshake itself is in test_server.py."""
    context = ssl.create_default_context(cafile=str(make_certificate(tmp_path).authority))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert len(context.get_ca_certs()) == 1
