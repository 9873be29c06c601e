"""Keys as text: what they look like, what is kept of them, and what is shown.

A key of ours is ``psk_``, 8 characters that may be shown, 256 random bits in 43, and a CRC-32 of all before in 6: what
was mistyped or cut off is told apart from what is unknown, and a scanner for secrets finds no false alarms.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple
from zlib import crc32

from proxystore.errors import InvalidRecord, StoreClosed

PREFIX: Final = "psk_"
SEEN: Final = "seen_"
"""What a caller's id begins with who has no key, but is known by the digest of another credential."""
SHOWN: Final = len(PREFIX) + 8
"""So many characters of a key of ours are no secret."""
LENGTH: Final = SHOWN + 43 + 6

_ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX: Final = PREFIX.encode()
_PAIRS: Final = tuple(bytes((one, other)) for one in _ALPHABET for other in _ALPHABET)
_BASE: Final = len(_PAIRS)
_BODY: Final = LENGTH - 6
_FOREIGN: Final = range(24, 513)
_DISTINCT: Final = 12
_ENDS: Final = (6, -4)
_BLOCK: Final = 64
_DIGEST: Final = 32
_INNER: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER: Final = bytes(byte ^ 0x5C for byte in range(256))


def new_secret() -> str:
    """Return a key that nobody has."""
    body = _PREFIX + _digits(secrets.randbits(47), 8) + _digits(secrets.randbits(256), 43)
    return (body + _checksum(body)).decode()


def is_well_formed(secret: bytes) -> bool:
    """Whether *secret* can be a key of ours: it has our prefix, our length and the right checksum."""
    return len(secret) == LENGTH and secret[:4] == _PREFIX and secret[_BODY:] == _checksum(secret[:_BODY])


def masked(secret: str) -> str:
    """Return what of *secret* may be shown."""
    if is_well_formed(secret.encode()):
        return secret[:SHOWN]
    return f"{secret[: _ENDS[0]]}…{secret[_ENDS[1] :]}" if len(secret) in _FOREIGN else "…"


def is_masked(text: str) -> bool:
    """Whether *text* was masked, by us or by somebody else: then it is not to be taken for a secret."""
    return any(mark in text for mark in ("…", "...", "***", "xxxx", "XXXX"))


def refuse_weak(secret: str) -> None:
    """Refuse a key of somebody else's that can be guessed, was masked, or does not fit a header.

    Raises:
        InvalidRecord: It is too short, too uniform, masked, a damaged key of ours, or has other than visible ASCII.
    """
    if is_masked(secret):
        raise InvalidRecord("This is a masked key: import the key itself.")
    if not secret.isascii() or not all("!" <= character <= "~" for character in secret):
        raise InvalidRecord("A key has visible ASCII characters alone.")
    if len(secret) not in _FOREIGN or len(set(secret)) < _DISTINCT:
        raise InvalidRecord(
            f"A key that is imported has {_FOREIGN.start} to {_FOREIGN.stop - 1} characters,"
            f" at least {_DISTINCT} of them different: others can be guessed."
        )
    if secret.startswith(PREFIX) and not is_well_formed(secret.encode()):
        raise InvalidRecord(f"This begins with {PREFIX} as a key of ours, and its checksum is wrong.")


def fingerprint(digest: bytes) -> str:
    """Return what a caller goes by who has no key, but another credential with this digest."""
    return SEEN + digest.hex()


def fingerprinted(text: str) -> bytes:
    """Return the digest in a fingerprint, with or without what it begins with.

    Raises:
        InvalidRecord: It is none.
    """
    try:
        digest = bytes.fromhex(text.removeprefix(SEEN))
    except ValueError:
        digest = b""
    if len(digest) != _DIGEST:
        raise InvalidRecord(f"A fingerprint is {2 * _DIGEST} hexadecimal digits.")
    return digest


class Pepper(NamedTuple):
    """A secret that digests are made with.

    Attributes:
        version: Which one, counted from the first that a database had.
        value: The secret itself.
    """

    version: int
    value: bytes


class Digester:
    """HMAC-SHA256 under the newest pepper; the older ones are for keys from before the last change of pepper.

    A stolen table does not even let a guess be checked without the pepper.
    """

    __slots__ = ("_older", "_states", "_version")

    def __init__(self) -> None:
        self._version = 0
        self._states: tuple[hashlib._Hash, hashlib._Hash] | None = None
        self._older: tuple[tuple[hashlib._Hash, hashlib._Hash], ...] = ()

    @property
    def version(self) -> int:
        """The version of the newest pepper."""
        return self._version

    def use(self, peppers: Sequence[Pepper]) -> None:
        """Take *peppers*, newest first."""
        self._states, *older = [_states(pepper.value) for pepper in peppers]
        self._older = tuple(older)
        self._version = peppers[0].version

    def digest(self, secret: bytes) -> bytes:
        """Return the digest under the newest pepper.

        Raises:
            StoreClosed: No pepper is known yet.
        """
        # `hmac.digest` sets its key up anew each time, half as fast again as copies of both halves of it.
        if self._states is None:
            raise StoreClosed
        inner, outer = self._states
        inner, outer = inner.copy(), outer.copy()
        inner.update(secret)
        outer.update(inner.digest())
        return outer.digest()

    def digests(self, secret: bytes) -> tuple[bytes, ...]:
        """Return the digests under every pepper, the newest first."""
        return (self.digest(secret), *(_digest(states, secret) for states in self._older))


def _states(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def _digest(states: tuple[hashlib._Hash, hashlib._Hash], secret: bytes) -> bytes:
    inner, outer = (state.copy() for state in states)
    inner.update(secret)
    outer.update(inner.digest())
    return outer.digest()


def _checksum(body: bytes) -> bytes:
    rest, low = divmod(crc32(body), _BASE)
    high, middle = divmod(rest, _BASE)
    return _PAIRS[high] + _PAIRS[middle] + _PAIRS[low]


def _digits(number: int, count: int) -> bytes:
    digits = bytearray(count)
    for place in range(count - 1, -1, -1):
        number, digit = divmod(number, len(_ALPHABET))
        digits[place] = _ALPHABET[digit]
    return bytes(digits)
