"""Small values that everything carries: mail ids, replies, content."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.envelope import MailId
from smtpfilter.mail.octets import CHUNK_BYTES, Content
from smtpfilter.mail.reply import LONGEST_TEXT, Reply, parse_reply, reply


@given(st.integers(0, (1 << 63) - 1))
def test_mail_ids_are_eleven_characters_that_name_them(number: int) -> None:
    text = str(MailId(number))

    assert len(text) == 11
    assert MailId.parse(text) == MailId(number)


@pytest.mark.parametrize("text", ["", "0" * 10, "0" * 12, "zzzzzzzzzzz", "00000-00000", "ä" * 11])
def test_what_is_no_mail_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mail id"):
        MailId.parse(text)


def test_mail_ids_are_ordered_by_time() -> None:
    earlier = MailId.make(datetime(2026, 1, 1, 0, 0, 0, tzinfo=UTC), (1 << 22) - 1)
    later = MailId.make(datetime(2026, 1, 1, 0, 0, 0, 1000, tzinfo=UTC), 0)

    assert earlier < later < MailId(1 << 63)


def test_a_mail_id_is_its_milliseconds_and_22_random_bits() -> None:
    moment = datetime(2020, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)
    assert MailId.make(moment, 0).number == 1500 << 22
    assert MailId.make(moment, (1 << 30) + 5).number == (1500 << 22) + 5
    assert MailId.make(moment, (1 << 22) - 1).number == (1501 << 22) - 1


def test_the_highest_mail_id_has_63_bits() -> None:
    highest = str(MailId((1 << 63) - 1))
    assert MailId.parse(highest).number == (1 << 63) - 1
    beyond = str(MailId(1 << 63))
    with pytest.raises(ValueError, match=r"^no such mail id$"):
        MailId.parse(beyond)
    with pytest.raises(ValueError, match=r"^a mail id has 11 letters and digits$"):
        MailId.parse(highest[1:])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("250 2.0.0 Ok: queued as X", Reply(250, "2.0.0", "Ok: queued as X")),
        ("250 Ok", Reply(250, "", "Ok")),
        ("550-5.1.1 No such user", Reply(550, "5.1.1", "No such user")),
        ("421", Reply(421, "", "")),
        ("250 2.0.0", Reply(250, "2.0.0", "")),
        ("250 a\x00b\r\nc\xff", Reply(250, "", "a b c")),
    ],
)
def test_replies_are_read(line: str, expected: Reply) -> None:
    assert parse_reply(line) == expected


@pytest.mark.parametrize(
    "line", ["250 2.0.0 Ok: queued as X", "250 Ok", "421", "250 2.0.0", "550 5.1.1 No such user"]
)
def test_a_reply_is_printed_as_it_was_read(line: str) -> None:
    assert str(parse_reply(line)) == line


@pytest.mark.parametrize("line", ["", "25", "650 x", "150 x", "abc", " 250 Ok"])
def test_what_is_no_reply_is_none(line: str) -> None:
    assert parse_reply(line) is None


@pytest.mark.parametrize(
    ("code", "accepted", "temporary", "permanent"),
    [(250, True, False, False), (451, False, True, False), (554, False, False, True)],
)
def test_a_reply_is_one_of_three(
    code: int, accepted: bool, temporary: bool, permanent: bool
) -> None:
    made = reply(code, "", "x")

    assert (made.accepted, made.temporary, made.permanent) == (accepted, temporary, permanent)


@given(st.text())
def test_our_replies_are_safe_on_the_wire(text: str) -> None:
    made = reply(554, "5.7.0", text)

    assert made.text.isascii()
    assert made.text.isprintable()
    assert len(made.text) <= LONGEST_TEXT


@given(st.binary(max_size=20), st.integers(0, 3 * CHUNK_BYTES), st.integers(0, 100))
def test_content_comes_in_pieces(header: bytes, size: int, body_start: int) -> None:
    octets = b"x" * size

    pieces = list(Content(header, octets, body_start).chunks())

    assert b"".join(pieces) == header + octets[body_start:]
    assert all(0 < len(piece) <= CHUNK_BYTES for piece in pieces)
