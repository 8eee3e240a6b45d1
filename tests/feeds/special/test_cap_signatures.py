"""Signatures of CAP messages: made by hand beside the library that checks them, and every way to lend one to something else."""

import base64
import datetime
import hashlib
import random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from feeds.formats.cap import rows
from feeds.source import Ready, Unread
from hall.core.errors import BadInput, ConfigError
from tests.feeds.special.test_cap import NS, _alert, _one

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


class Signer:
    """Signs by hand: canonical XML from lxml, hashes and RSA from the standard's own formulas."""

    def __init__(self, name="气象局", issuer=None, days=(-1, 1), authority=False):
        self.key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        made = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.certificate.subject if issuer else subject)
        made = made.public_key(self.key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(now + datetime.timedelta(days[0])).not_valid_after(now + datetime.timedelta(days[1]))
        made = made.add_extension(x509.BasicConstraints(authority, None), True)
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
            False,
        )
        made = made.add_extension(
            x509.KeyUsage(digital_signature=True, key_cert_sign=authority, crl_sign=authority, **usage), True
        )
        above = issuer.key if issuer else self.key
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False)
        self.certificate = made.sign(above, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, body, uri="", covered=None, transform="", key_info=True):
        """`body` with an enveloped signature; `covered`: the element that is hashed instead of the whole."""
        alert = etree.fromstring(body)
        digest = base64.b64encode(
            hashlib.sha256(etree.tostring(alert if covered is None else covered, method="c14n")).digest()
        ).decode()
        more = f'<Transform Algorithm="{transform}"/>' if transform else ""
        info = (
            f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{C14N}"/>'
            '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
            f'<Reference URI="{uri}"><Transforms><Transform Algorithm="{DS}enveloped-signature"/>'
            f'<Transform Algorithm="{C14N}"/>{more}</Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
            f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
        )
        raw = self.key.sign(etree.tostring(etree.fromstring(info), method="c14n"), padding.PKCS1v15(), hashes.SHA256())
        pem = "".join(self.pem.decode().splitlines()[1:-1])
        known = f"<KeyInfo><X509Data><X509Certificate>{pem}</X509Certificate></X509Data></KeyInfo>" if key_info else ""
        signature = f'<Signature xmlns="{DS}">{info}<SignatureValue>{base64.b64encode(raw).decode()}</SignatureValue>{known}</Signature>'
        alert.append(etree.fromstring(signature))
        return etree.tostring(alert)


@pytest.fixture(scope="module")
def office():
    return Signer()


@pytest.fixture(scope="module")
def stranger():
    return Signer("stranger")


@pytest.fixture
def trusted(tmp_path, office):
    path = tmp_path / "trusted.pem"
    path.write_bytes(office.pem)
    return str(path)


def _refused(body, city, **options):
    with pytest.raises(BadInput) as refused:
        list(rows(body, *city("warning", **options)))
    return refused.value.reason


def test_a_signature_by_hand_is_valid_and_the_document_says_by_whom(city, office, trusted):
    document = _one(office.sign(_alert()), city, certificates=trusted, signature="require").doc
    assert document.extra["signature"] == {"state": "valid", "by": "CN=气象局"}
    assert (document.warning_id, document.headline) == ("A1", {"zh-CN": "暴雨橙色预警"})


def test_a_signature_whose_certificate_is_not_carried_is_checked_with_the_trusted_ones(city, office, trusted):
    assert _one(office.sign(_alert(), key_info=False), city, certificates=trusted).doc.extra["signature"]["state"] == "valid"


def test_a_signer_is_trusted_for_who_issued_his_certificate(city, tmp_path):
    root = Signer("Root", authority=True)
    (tmp_path / "root.pem").write_bytes(root.pem)
    document = _one(
        Signer("县气象局", root).sign(_alert()), city, certificates=str(tmp_path / "root.pem"), signature="require"
    ).doc
    assert document.extra["signature"] == {"state": "valid", "by": "CN=县气象局"}


def test_a_strangers_signature_is_told_and_where_signatures_are_required_refused(city, stranger, trusted):
    signed = stranger.sign(_alert())
    for options in ({}, {"certificates": trusted}):
        assert _one(signed, city, **options).doc.extra["signature"] == {"state": "untrusted", "by": "CN=stranger"}
    assert _refused(signed, city, certificates=trusted, signature="require") == "cap-signature-untrusted"
    assert _refused(_alert(), city, certificates=trusted, signature="require") == "cap-signature-absent"
    assert "signature" not in _one(signed, city, signature="ignore").doc.extra


@pytest.mark.parametrize("change", [(b"Severe", b"Extreme"), (b"<identifier>A1", b"<identifier>A2"), (b"Actual", b"Test")])
def test_one_changed_word_breaks_the_signature_whoever_signed(city, office, trusted, change):
    for options in ({}, {"certificates": trusted}):
        assert _refused(office.sign(_alert()).replace(*change), city, **options) == "cap-signature"


def test_what_stands_in_comments_and_blanks_of_the_signature_changes_nothing_that_is_read(city, office, trusted):
    body = office.sign(_alert()).replace(b"<identifier>A1", b"<identifier><!-- x -->A1")
    assert _one(body, city, certificates=trusted).doc.warning_id == "A1"


def test_a_signed_alert_wrapped_into_another_lends_it_nothing(city, office, trusted):
    """The classical attack: the signature is genuine, what it covers was moved aside, something else stands in its place."""
    genuine = etree.fromstring(office.sign(_alert()))
    signature = genuine.find(f"{{{DS}}}Signature")
    forged = etree.fromstring(_alert("EVIL"))
    forged.append(signature)
    assert _refused(etree.tostring(forged), city, certificates=trusted) == "cap-signature"
    # the genuine alert inside the signature itself, in an <Object>, found by its Id
    inner = etree.fromstring(_alert())
    inner.set("Id", "whole")
    evil = etree.fromstring(office.sign(_alert("EVIL"), uri="#whole", covered=inner))
    holder = etree.SubElement(evil.find(f"{{{DS}}}Signature"), f"{{{DS}}}Object")
    holder.append(inner)
    for options in ({}, {"schema": "off"}):
        assert _refused(etree.tostring(evil), city, certificates=trusted, **options) in (
            "cap-signature",
            "cap-schema",
            "cap-incomplete",
        )


def test_of_an_envelope_only_what_its_own_signature_covers_is_signed(city, office, trusted):
    signed, plain = office.sign(_alert("A")), _alert("B").partition(b"?>")[2]
    found = list(rows(b"<all>" + signed + plain + b"</all>", *city("warning", certificates=trusted)))
    states = {row.doc.warning_id: row.doc.extra["signature"]["state"] for row in found if isinstance(row, Ready)}
    assert states == {"A": "valid", "B": "absent"}


def test_two_signatures_or_one_over_a_part_are_no_signature_of_the_message(city, office, stranger, trusted):
    assert _refused(office.sign(stranger.sign(_alert())), city, certificates=trusted) == "cap-signature"
    part = etree.fromstring(_alert()).find("c:info", NS)
    assert _refused(office.sign(_alert(), uri="#x", covered=part), city, certificates=trusted) == "cap-signature"
    odd = office.sign(_alert(), transform="http://www.w3.org/TR/1999/REC-xpath-19991116")
    assert _refused(odd, city, certificates=trusted) == "cap-signature"


def test_a_trusted_certificate_that_has_run_out_is_trusted_no_more(city, tmp_path):
    old = Signer("old", days=(-9, -2))
    (tmp_path / "old.pem").write_bytes(old.pem)
    assert (
        _refused(old.sign(_alert()), city, certificates=str(tmp_path / "old.pem"), signature="require")
        == "cap-signature-untrusted"
    )


def test_three_hundred_damaged_signed_messages_say_what_was_signed_or_nothing(city, office, trusted):
    """Bytes changed, parts moved, copied and taken out: whatever is still taken as signed is the very document that was."""
    signed, dice, taken = office.sign(_alert()), random.Random(11), 0
    genuine = _one(signed, city, certificates=trusted, signature="require").doc
    for number in range(300):
        body = bytearray(signed)
        start, length = dice.randrange(len(body)), dice.randrange(1, 40)
        piece = body[start : start + length]
        if number % 3 == 0:
            body[start] = dice.randrange(32, 127)
        elif number % 3 == 1:
            del body[start : start + length]
        else:
            at = dice.randrange(len(body))
            body[at:at] = piece
        try:
            for row in rows(bytes(body), *city("warning", certificates=trusted, signature="require", schema="off")):
                assert isinstance(row, Unread) or row.doc == genuine
                taken += isinstance(row, Ready)
        except BadInput:
            continue
    assert taken < 150


def test_a_signature_by_an_algorithm_that_nobody_here_can_check_is_told_not_taken_for_broken(city, office, trusted):
    for algorithm in (
        b"http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
        b"http://www.w3.org/2001/04/xmldsig-more#sm2-sm3",
    ):
        body = office.sign(_alert()).replace(b"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", algorithm)
        assert _one(body, city, certificates=trusted).doc.extra["signature"] == {"state": "unchecked"}
        assert _refused(body, city, certificates=trusted, signature="require") == "cap-signature-unchecked"
    weak = office.sign(_alert()).replace(b"2001/04/xmldsig-more#rsa-sha256", b"2000/09/xmldsig#rsa-sha1")
    assert _refused(weak, city, certificates=trusted) == "cap-signature"


def test_a_wrong_option_is_a_mistake_of_the_configuration(city):
    for options in ({"schema": "maybe"}, {"signature": "always"}, {"certificates": "not-there.pem"}):
        with pytest.raises(ConfigError):
            list(rows(Signer().sign(_alert()) if "certificates" in options else _alert(), *city("warning", **options)))
