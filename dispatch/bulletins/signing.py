"""The city's own signature under its CAP messages: XML-DSig, enveloped, over the whole message, RSA or ECDSA with SHA-256.

A key of another kind (Ed25519) is refused: signxml signs with none, and hardly a receiver knows it (docs/WARNINGS.md).
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from dispatch.bulletins.settings import BulletinRules
from hall.core.config import HallConfig


class Signer:
    """Signs with the key of `[dispatch.bulletins.feed]`; without one messages are served as they were approved."""

    def __init__(self, key: bytes = b"", certificate: bytes = b"") -> None:
        self._key, self._certificate = (load_pem_private_key(key, None) if key else None), certificate.decode()
        if self._key is None:
            return
        if not isinstance(self._key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError("an RSA or an elliptic curve key (P-256)")
        if x509.load_pem_x509_certificate(certificate).public_key() != self._key.public_key():
            raise ValueError("the certificate is not that of the key")

    @classmethod
    def of(cls, config: HallConfig, rules: BulletinRules) -> Signer:
        """Raises ConfigError for files that are no key and certificate that belong together."""
        feed = rules.feed
        if not feed.key:
            return cls()
        try:
            return cls(*(Path(config.path(name)).read_bytes() for name in (feed.key, feed.certificate)))
        except (OSError, ValueError, TypeError) as error:
            raise config.error("dispatch.bulletins.feed.key", f"cannot be used: {error}") from None

    def signed(self, xml: str) -> bytes:
        """The message, with its signature where there is a key. What it covers is what was approved, byte for byte in canonical
        form."""
        body = xml.encode()
        if self._key is None:
            return body
        from signxml import CanonicalizationMethod, SignatureMethod, XMLSigner

        method = SignatureMethod.RSA_SHA256 if isinstance(self._key, rsa.RSAPrivateKey) else SignatureMethod.ECDSA_SHA256
        signer = XMLSigner(signature_algorithm=method, c14n_algorithm=CanonicalizationMethod.CANONICAL_XML_1_0)
        made = signer.sign(etree.fromstring(body), key=self._key, cert=self._certificate)
        return etree.tostring(made, xml_declaration=True, encoding="UTF-8")
