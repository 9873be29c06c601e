"""What people write for the values of options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import typer

from proxystore import options

_SOON = timedelta(seconds=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        (" 2026-11-01T14:00 ", datetime(2026, 11, 1, 14, tzinfo=UTC)),
        ("2026-11-01T14:00:05+02:00", datetime(2026, 11, 1, 12, 0, 5, tzinfo=UTC)),
    ],
)
def test_a_time_is_a_date(text: str, expected: datetime) -> None:
    assert expected == options.moment(text) == options.date(text)


def test_a_deadline_is_not_past() -> None:
    assert options.deadline("2126-11-01T14:00+02:00") == datetime(2126, 11, 1, 12, tzinfo=UTC)
    for text in ("2026-11-01", "0s"):
        with pytest.raises(typer.BadParameter, match=rf"'{text}' is past: it is 2\d{{3}}-"):
            options.deadline(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [("10m", timedelta(minutes=10)), ("1h30m", timedelta(minutes=90)), ("7d", timedelta(7)), ("2w", timedelta(14))],
)
def test_a_time_is_so_long_ago_or_so_far_ahead(text: str, length: timedelta) -> None:
    now = datetime.now(UTC)

    assert abs(now - length - options.moment(text)) < _SOON
    assert abs(now + length - options.deadline(text)) < _SOON
    assert length == options.duration(text) == options.span(text)


@pytest.mark.parametrize("text", ["1960-01-01", "0001-01-01", "1970-01-01T00:30+01:00", "3000w"])
def test_nothing_is_older_than_1970(text: str) -> None:
    assert options.moment(text) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        *("", "yesterday", "7", "7y", "999999w", "2026-13-01"),
        *("0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00"),  # dates in their own time zone, and none in UTC
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"neither|calendar"):
        options.moment(text)


def test_a_number_is_seconds_where_a_duration_is_asked_for() -> None:
    assert options.duration("90") == timedelta(seconds=90)
    assert options.span("90") is None
    with pytest.raises(typer.BadParameter, match="30d"):
        options.duration("soon")


def test_dollars_are_exact() -> None:
    assert [options.dollars(text) for text in ("12.50", "$0.1")] == [Decimal("12.50"), Decimal("0.1")]
    for text in ("much", "nan", ""):
        with pytest.raises(typer.BadParameter, match=r"12\.50"):
            options.dollars(text)


def test_an_identity_is_a_uuid() -> None:
    read = options.identity("an event")

    assert read(str(UUID(int=7))) == UUID(int=7)
    with pytest.raises(typer.BadParameter, match="an event"):
        read("seven")


def test_a_file_has_its_name_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with options.writing(out) as file:
        file.write(b"one")
        assert not out.exists()
    assert out.read_bytes() == b"one"

    with pytest.raises(ZeroDivisionError), options.writing(out) as file:
        file.write(b"tw" * (1 // 0))
    assert (out.read_bytes(), list(tmp_path.iterdir())) == (b"one", [out])


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("out")
    with options.writing(tmp_path / "link") as file:
        file.write(b"one")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"one"


def test_what_is_no_file_is_written_to_as_it_is() -> None:
    with options.writing(Path("/dev/null")) as file:
        file.write(b"one")

    assert not Path("/dev/null").is_file()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match=rf"'{tmp_path}/nowhere/out'"),
        options.writing(tmp_path / "nowhere/out"),
    ):
        pass
