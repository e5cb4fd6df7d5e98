"""Ed25519 signatures over canonical JSON, which anybody can check without the portal.

Canonical is what RFC 8785 says of the values that are used here: names sorted, no white space, UTF-8,
texts escaped only where they must be; numbers are whole, fractions are texts. What is signed are those
bytes of a document without its member `signature`.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "Ed25519"
SIGNATURE = "signature"
KEY_ID = "key_id"
MOST_BYTES = 256 * 1024
"""Of a document that is looked at."""
_LARGEST = 2**53 - 1
"""The largest whole number that every reader of JSON keeps exactly."""


class Unreadable(ValueError):
    """A text is not a document that could have been signed."""


class SigningKey:
    """A private key, kept as 43 letters (32 bytes, base64url) in a setting."""

    def __init__(self, secret: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(_key_bytes(secret))
        self.public_text = public_text(self._key.public_key())
        self.id = key_id(self.public_text)

    def sign(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The document with the key's id and the signature."""
        named = {**document, KEY_ID: self.id, "algorithm": ALGORITHM}
        return {**named, SIGNATURE: _text(self._key.sign(canonical(named)))}


def public_text(key: Ed25519PublicKey) -> str:
    return _text(key.public_bytes_raw())


def key_id(public: str) -> str:
    """The first 16 hexadecimal digits of the public key's SHA-256."""
    return hashlib.sha256(_key_bytes(public)).hexdigest()[:16]


def public_keys(texts: Iterable[str]) -> dict[str, str]:
    """Id → public key, as text. Raises ValueError for what is no key."""
    return {key_id(each): each for each in texts}


def is_signed(document: Mapping[str, Any], known: Mapping[str, str]) -> bool:
    """Whether a document carries a signature by one of the `known` keys over all that it holds."""
    signature, name = document.get(SIGNATURE), document.get(KEY_ID)
    if not isinstance(signature, str) or not isinstance(name, str) or name not in known:
        return False
    unsigned = {key: value for key, value in document.items() if key != SIGNATURE}
    try:
        key = Ed25519PublicKey.from_public_bytes(_key_bytes(known[name]))
        key.verify(_decoded(signature), canonical(unsigned))
    except (InvalidSignature, ValueError):
        return False
    return True


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are signed. Raises Unreadable for what has no canonical form here.

    >>> canonical({"b": 1, "a": "é"})
    b'{"a":"\\xc3\\xa9","b":1}'
    """
    _refuse_inexact(document)
    try:
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (UnicodeEncodeError, RecursionError) as error:
        raise Unreadable("A text in it is not Unicode.") from error


def parsed(text: str | bytes) -> dict[str, Any]:
    """The document in a text. Raises Unreadable for anything but one JSON object without doubles."""
    if len(text) > MOST_BYTES:
        raise Unreadable("It is too long.")
    try:
        found = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise Unreadable("It is not JSON.") from error
    if not isinstance(found, dict):
        raise Unreadable("It is not an object of JSON.")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values of one name are read differently by different readers, so there may be none."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("A name stands twice in it.")
    return found


def _refuse_inexact(document: Mapping[str, Any]) -> None:
    """No recursion: how deep a document goes is its sender's choice."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif isinstance(value, float) or (isinstance(value, int) and abs(value) > _LARGEST):
            raise Unreadable("A number in it is not a whole one.")


def _key_bytes(text: str) -> bytes:
    key = _decoded(text)
    if len(key) != 32:
        raise ValueError("A key is 32 bytes, written as 43 letters of base64url.")
    return key


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("This is not base64url.") from error


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
