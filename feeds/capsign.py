"""Signatures of CAP messages: XML-DSig, enveloped, over the whole message, as the standard wants them (CAP 1.2, 3.3.4.1).

What counts is what was verified: the reader gets the very bytes that the signature covers, never the document they came in. A
signature over a part of the message, over something carried inside it, or one of several, is no signature of the message.
"""

from __future__ import annotations

import datetime
import functools
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from hall.core.cap import SIGNATURE
from hall.core.clock import real_ms

_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
#: what may be done to the message before it is hashed: the signature taken out, the rest written canonically
_TRANSFORMS = frozenset(
    {
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/2006/12/xml-c14n11#WithComments",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
    }
)
#: certificates of one file, and of one signature, that are tried: each costs a look at the whole message
CERTIFICATES, CARRIED = 20, 5


class Verdict(NamedTuple):
    """`state`: valid | untrusted (whole, by somebody the certificates do not name) | unchecked (by an algorithm that the
    library does not know: Ed25519, SM2) | invalid | absent; `by`: the signer's name; `why`: what is wrong; `signed`: the bytes
    that the signature covers, of a valid or untrusted one."""

    state: str
    by: str = ""
    why: str = ""
    signed: bytes = b""


def verdict(alert: etree._Element, certificates: Path | None) -> Verdict:
    """What the signature of an <alert> is worth; `certificates`: PEM file of trusted signers or issuers. Raises OSError or
    ValueError for a file that cannot be read."""
    signatures = list(alert.iter(SIGNATURE))
    if not signatures:
        return Verdict("absent")
    if problem := _shape_problem(alert, signatures):
        return Verdict("invalid", why=problem)
    # libraries that only signed messages need; loading them takes a while
    from signxml import SignatureMethod
    from signxml.exceptions import SignXMLException

    algorithm = next((method.get("Algorithm", "") for method in signatures[0].iter(f"{_DSIG}SignatureMethod")), "")
    if algorithm and algorithm not in {method.value for method in SignatureMethod}:
        return Verdict("unchecked", why=f"signed by {algorithm[:120]}, which cannot be checked here")
    body, why = etree.tostring(alert, with_tail=False), ""
    trusted = _certificates(certificates, certificates.stat().st_mtime_ns) if certificates else ()
    for state, attempt in _attempts(body, signatures[0], trusted, certificates):
        try:
            found = attempt()
        except (SignXMLException, etree.LxmlError, ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:
            why = why or f"{type(error).__name__}: {error}"[:300]
            continue
        return Verdict(state, found[0], "", found[1])
    return Verdict("invalid", why=why or "it names no key that it could be checked with")


def _shape_problem(alert: etree._Element, signatures: list[etree._Element]) -> str:
    """Why a signature cannot be one of this whole message; empty when it can."""
    if len(signatures) > 1 or signatures[0].getparent() is not alert:
        return "one signature, directly in the alert, is wanted"
    references = list(signatures[0].iter(f"{_DSIG}Reference"))
    if len(references) != 1 or references[0].get("URI") != "":
        return "it covers something else than the whole message"
    used = {transform.get("Algorithm") for transform in references[0].iter(f"{_DSIG}Transform")}
    return (
        "" if used <= _TRANSFORMS else f"it covers what is left after {', '.join(sorted(map(str, used - _TRANSFORMS)))[:120]}"
    )


def _attempts(body: bytes, signature: etree._Element, trusted: tuple, file: Path | None):
    """(state, function giving signer and signed bytes) in the order they are tried."""
    carried = _carried(signature)
    known = [one for one in trusted if one in carried] or ([] if carried else list(trusted))
    for one in known:
        yield "valid", functools.partial(_verified, body, x509_cert=one)
    if carried and file is not None:
        yield "valid", functools.partial(_verified, body, ca_pem_file=str(file), names=carried)
    for one in carried:
        # whether a stranger's certificate has run out matters to nobody: it is not trusted anyhow
        yield "untrusted", functools.partial(_verified, body, x509_cert=one, at=one.not_valid_before_utc)
    if not carried:
        yield "untrusted", functools.partial(_verified, body, x509=False)


def _verified(body: bytes, *, x509_cert=None, ca_pem_file=None, names=(), at=None, x509: bool = True) -> tuple[str, bytes]:
    """Signer and signed bytes; raises signxml's exceptions and their kin."""
    from signxml import SignatureConfiguration, SignatureMethod
    from signxml.exceptions import InvalidInput

    # a shared secret proves nothing about who sent it; SHA-1 is not to be relied on
    methods = frozenset(m for m in SignatureMethod if not m.name.startswith("HMAC") and "SHA1" not in m.name)
    moment = at or datetime.datetime.fromtimestamp(real_ms() / 1000, datetime.UTC)
    wanted = SignatureConfiguration(require_x509=x509, location="./", signature_methods=methods, verification_time=moment)
    found = _verifier()().verify(body, x509_cert=x509_cert, ca_pem_file=ca_pem_file, expect_config=wanted)
    if found.signed_xml is None or etree.QName(found.signed_xml).localname != "alert":
        raise InvalidInput("what it covers is no alert")
    signer = x509_cert or next((one for one in names if _pem_of(one) == found.signature_key), None)
    return (signer.subject.rfc4514_string() if signer else ""), found.signed_data


@functools.cache
def _verifier() -> type:
    from signxml import XMLVerifier

    class Verifier(XMLVerifier):
        """Reads signatures without a prefix, too: libxml2 writes the canonical form of a part with wrong `xmlns=""`
        where the default namespace is declared above that part; made a document of its own, it is written right."""

        def _c14n(self, nodes, algorithm, inclusive_ns_prefixes=None):
            if not isinstance(nodes, list):
                nodes = self._fromstring(self._tostring(nodes, with_tail=False))
            return super()._c14n(nodes, algorithm, inclusive_ns_prefixes)

    return Verifier


def _pem_of(certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _carried(signature: etree._Element) -> list:
    """The certificates that a signature brings along; one that cannot be read is left out."""
    from cryptography import x509
    from signxml.util import add_pem_header

    found = []
    for element in list(signature.iter(f"{_DSIG}X509Certificate"))[:CARRIED]:
        try:
            found.append(x509.load_pem_x509_certificate(add_pem_header((element.text or "").strip())))
        except (ValueError, TypeError):
            continue
    return found


@functools.lru_cache(maxsize=8)
def _certificates(file: Path, changed: int) -> tuple:
    """The trusted certificates of a PEM file; raises OSError, ValueError."""
    from cryptography import x509

    return tuple(x509.load_pem_x509_certificates(file.read_bytes()))[:CERTIFICATES]
