"""What keys look like, what is kept of them, and what is shown."""

from __future__ import annotations

import hmac
from zlib import crc32

import pytest

from proxystore.credentials import (
    LENGTH,
    SHOWN,
    Digester,
    Pepper,
    is_well_formed,
    masked,
    new_secret,
)
from proxystore.errors import StoreClosed

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_is_61_characters_of_which_the_last_six_are_a_checksum():
    secret = new_secret()
    number = 0
    for character in secret[-6:]:
        number = number * 62 + _ALPHABET.index(character)

    assert len(secret) == LENGTH == 61
    assert secret.startswith("psk_")
    assert set(secret[4:]) <= set(_ALPHABET)
    assert number == crc32(secret[:-6].encode())
    assert is_well_formed(secret.encode())


def test_no_two_keys_are_alike():
    assert len({new_secret()[SHOWN:] for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize("place", range(LENGTH))
def test_a_key_with_one_character_mistyped_is_malformed(place: int):
    secret = new_secret()
    other = "a" if secret[place] != "a" else "b"

    assert not is_well_formed((secret[:place] + other + secret[place + 1 :]).encode())


@pytest.mark.parametrize(
    "secret",
    [b"", b"psk_", b"psk_" + b"0" * 57, new_secret().encode()[:-1], new_secret().encode() + b"0"],
    ids=["nothing", "a prefix", "made up", "cut off", "too long"],  # the same in every process
)
def test_what_was_cut_off_or_made_up_is_malformed(secret: bytes):
    assert not is_well_formed(secret)


def test_only_what_is_no_secret_is_shown():
    secret = new_secret()

    assert masked(secret) == secret[:12]
    assert masked("sk-Zm9vYmFyLTEyMzQ1Njc4OQ") == "sk-Zm9…c4OQ"
    assert masked("sk-short") == "…"


def test_a_digest_is_an_hmac_under_the_newest_pepper():
    digester = Digester()
    digester.use([Pepper(2, b"new" * 20), Pepper(1, b"old" * 40)])

    assert digester.version == 2
    assert digester.digest(b"secret") == hmac.digest(b"new" * 20, b"secret", "sha256")
    assert digester.digests(b"secret") == (
        hmac.digest(b"new" * 20, b"secret", "sha256"),
        hmac.digest(b"old" * 40, b"secret", "sha256"),
    )


def test_without_a_pepper_there_is_no_digest():
    with pytest.raises(StoreClosed):
        Digester().digest(b"secret")
