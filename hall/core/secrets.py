"""What the hall must keep to itself: one key, from which keys are made for each purpose: sealing stream addresses at rest,
signing tickets, attesting manifests of exports (which others check by a public key). What was signed for one purpose is worth
nothing for another.

The key is 32 random bytes in `secret.key` of the data directory, made by whichever process comes first, readable by its
owner only; processes on several machines share one by HALL_SECRET (base64). Losing it means entering passwords again.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets as system
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from hall.core.errors import ConfigError, HallError

FILE = "secret.key"
_PUBLISHED = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
_MARK = "s1:"  # sealed, first form: AES-256-GCM, 12 bytes of nonce before the text


class Secrets:
    """Seals and signs with one key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(key, b"seal", "sha256"))
        self._key = key

    def seal(self, text: str, about: str) -> str:
        """`text` so that only this hall reads it, and only as what it is about (a subject): swapped lines do not open."""
        nonce = system.token_bytes(12)
        return _MARK + base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), about.encode())).decode()

    def unseal(self, sealed: str, about: str) -> str:
        """What was sealed; text that never was comes back as it is. Raises HallError when it cannot be opened."""
        if not sealed.startswith(_MARK):
            return sealed
        try:
            raw = base64.b64decode(sealed[len(_MARK) :], validate=True)
            return self._cipher.decrypt(raw[:12], raw[12:], about.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise HallError(f"what is kept sealed about {about} was sealed with another key ({FILE} or HALL_SECRET)") from None

    def sign(self, body: bytes, purpose: str) -> bytes:
        """32 bytes that only this hall can make of `body`, for this purpose: each has a key of its own."""
        return hmac.digest(self._own(f"hall sign {purpose}"), body, "sha256")

    def signed(self, body: bytes, signature: bytes, purpose: str) -> bool:
        """Whether `signature` is ours and was made for this purpose, in constant time."""
        return hmac.compare_digest(self.sign(body, purpose), signature)

    def attest(self, body: bytes, purpose: str) -> bytes:
        """Ed25519 signature (64 bytes) that anybody can check with `public_key(purpose)`, and only this hall can make."""
        return self._private(purpose).sign(body)

    def public_key(self, purpose: str) -> bytes:
        """PEM (SubjectPublicKeyInfo) of the key that `attest` signs with: for everybody."""
        return self._private(purpose).public_key().public_bytes(*_PUBLISHED)

    def _private(self, purpose: str) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._own(f"hall attest {purpose}"))

    def _own(self, info: str) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(self._key)


def attested(body: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether who has the private half of `public_key` (PEM) signed this. Raises ValueError for what is no Ed25519 key."""
    try:
        _opened(public_key).verify(signature, body)
    except InvalidSignature:
        return False
    return True


def fingerprint(public_key: bytes) -> str:
    """SHA-256 of the key's DER form, as `openssl pkey -pubin -outform DER | sha256sum` tells it, to be compared by people.
    Raises ValueError for what is no Ed25519 key."""
    der = _opened(public_key).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _opened(public_key: bytes) -> Ed25519PublicKey:
    try:
        found = serialization.load_pem_public_key(public_key)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, Ed25519PublicKey):
        raise ValueError("not an Ed25519 public key")
    return found


def open_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """What another system sealed with AES-CBC and PKCS#7 padding (HLS segments, RFC 8216): it is read, never written here.
    Raises ValueError for a key, IV, length or padding that is none."""
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    unpadder = PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(data) + decryptor.finalize()) + unpadder.finalize()


def load(data_dir: Path) -> Secrets:
    """The hall's key; made when there is none. Raises ConfigError for a key that is no key."""
    given = os.environ.get("HALL_SECRET", "")
    if given:
        return Secrets(_decoded(given, "environment", "HALL_SECRET"))
    path = data_dir / FILE
    if not path.exists():
        _make(path)
    return Secrets(_decoded(path.read_text(), str(path), ""))


def there(data_dir: Path) -> Secrets | None:
    """The hall's key, None when there is none: for who only reads. Raises ConfigError for a key that is no key."""
    return load(data_dir) if os.environ.get("HALL_SECRET") or (data_dir / FILE).exists() else None


def _decoded(text: str, file: str, key: str) -> bytes:
    with contextlib.suppress(ValueError, binascii.Error):
        raw = base64.b64decode(text.strip(), validate=True)
        if len(raw) == 32:
            return raw
    raise ConfigError("give 32 bytes as base64 (`openssl rand -base64 32`)", file=file, key=key)


def _make(path: Path) -> None:
    """Writes a new key whole or not at all; of several processes that try, one wins and all use its key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{FILE}.{os.getpid()}.{system.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, base64.b64encode(system.token_bytes(32)) + b"\n")
        os.fsync(handle)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.close(handle)
        draft.unlink()
