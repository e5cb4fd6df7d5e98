"""Signed documents: one changed letter shows, and nothing that is sent breaks the reading."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from incidents import signatures

SECRET = "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtITE"
OTHER = "YW5vdGhlci1rZXktYW5vdGhlci1rZXktYW5vdGhlci0"
KEY = signatures.SigningKey(SECRET)
KNOWN = {KEY.id: KEY.public_text}
DOCUMENT = {
    "number": "DS-1",
    "company": "Café “Ö” \u2028 東京",
    "seconds": 23400,
    "open": None,
    "last": [1, True],
}


def test_a_signed_document_is_known_and_anybody_can_check_it_without_us() -> None:
    signed = KEY.sign(DOCUMENT)
    assert signatures.is_signed(signed, KNOWN)
    unsigned = {name: value for name, value in signed.items() if name != "signature"}
    text = json.dumps(unsigned, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    key = Ed25519PublicKey.from_public_bytes(signatures._decoded(KEY.public_text))
    key.verify(signatures._decoded(signed["signature"]), text.encode())


def test_the_order_of_names_and_white_space_do_not_matter() -> None:
    signed = KEY.sign(DOCUMENT)
    shuffled = json.dumps(dict(reversed(signed.items())), indent=4)
    assert signatures.is_signed(signatures.parsed(shuffled), KNOWN)


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": 23399},
        {"seconds": "23400"},
        {"company": "Globex"},
        {"more": 1},
        {"open": False},
        {"last": [True, 1]},
        {"signature": ""},
        {"signature": "A" * 86},
        {"signature": 7},
        {"key_id": "0" * 16},
        {"key_id": None},
    ],
)
def test_whatever_is_changed_shows(change: dict[str, object]) -> None:
    assert not signatures.is_signed({**KEY.sign(DOCUMENT), **change}, KNOWN)


def test_what_is_left_out_shows() -> None:
    signed = KEY.sign(DOCUMENT)
    for name in signed:
        assert not signatures.is_signed({key: each for key, each in signed.items() if key != name}, KNOWN)


def test_a_key_of_somebody_else_is_not_ours_even_under_our_name() -> None:
    forged = signatures.SigningKey(OTHER).sign(DOCUMENT)
    assert not signatures.is_signed(forged, KNOWN)
    assert not signatures.is_signed({**forged, "key_id": KEY.id}, KNOWN)


def test_after_a_rotation_the_old_public_key_still_verifies() -> None:
    new = signatures.SigningKey(OTHER)
    known = signatures.public_keys([new.public_text, KEY.public_text])
    assert signatures.is_signed(KEY.sign(DOCUMENT), known)
    assert signatures.is_signed(new.sign(DOCUMENT), known)
    assert not signatures.is_signed(KEY.sign(DOCUMENT), signatures.public_keys([new.public_text]))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"words"',
        "{",
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":1}}',
        "[" * 100_000,
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        '{"a":' + "9" * 5_000 + "}",
        b"\xff\xfe\x00",
        "\0",
        '{"a":"' + "x" * signatures.MOST_BYTES + '"}',
    ],
)
def test_what_cannot_be_a_document_is_refused_in_words(text: str | bytes) -> None:
    with pytest.raises(signatures.Unreadable):
        signatures.canonical(signatures.parsed(text))


@pytest.mark.parametrize("value", [1.5, 1e400, 2**53, "\ud800", [[0.1]]])
def test_what_has_no_canonical_form_is_never_signed(value: object) -> None:
    with pytest.raises(signatures.Unreadable):
        KEY.sign({"value": value})
    assert not signatures.is_signed({**KEY.sign(DOCUMENT), "value": value}, KNOWN)


@pytest.mark.parametrize("secret", ["", "short", "!" * 43, "A" * 42, "A" * 44 + "="])
def test_a_key_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"key|base64"):
        signatures.SigningKey(secret)
