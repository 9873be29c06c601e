from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from proxystore.errors import InvalidRecord
from proxystore.ids import first_id, milliseconds_of, parsed, restamped, shown, uuid7


def test_an_id_knows_its_time_and_is_of_version_7():
    identity = uuid7(1_700_000_000_123)

    assert milliseconds_of(identity) == 1_700_000_000_123
    assert (identity.version, identity.variant) == (7, "specified in RFC 4122")
    assert first_id(1_700_000_000_123) <= identity < first_id(1_700_000_000_124)


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: [uuid7(0) for _ in range(5_000)], range(8)))

    assert len({identity for batch in batches for identity in batch}) == 40_000


def test_a_forked_child_does_not_repeat_its_parents_ids():
    uuid7()  # so that there is something to inherit
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, b"".join(uuid7(0).bytes for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 1_600)
    theirs = {UUID(bytes=told[begin : begin + 16]) for begin in range(0, 1_600, 16)}

    assert len(theirs) == 100
    assert not theirs & {uuid7(0) for _ in range(1_000)}


def test_a_restamped_id_is_the_same_however_often_it_is_asked():
    identity = uuid7(5)

    assert restamped(identity, 9) == restamped(identity, 9)
    assert milliseconds_of(restamped(identity, 9)) == 9


def test_an_id_that_was_shown_is_read_again():
    identity = uuid7()

    assert shown("key", identity) == f"key_{identity.hex}"
    assert parsed("key", shown("key", identity)) == identity


@pytest.mark.parametrize(
    "text", ["", "key_", "proj_" + "0" * 32, "key_" + "0" * 31, "key_" + "A" * 32, "key_" + "٣" * 32]
)
def test_what_is_no_id_is_refused(text: str):
    with pytest.raises(InvalidRecord, match="key_"):
        parsed("key", text)
