"""LMTP to the next hop: each recipient has an answer of his own after the dot (RFC 2033 4.2)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.ports.delivery import Submission
from smtpfilter.smtp.connection import Timeouts
from smtpfilter.smtp.relay import SmtpRelay
from tests.doubles.next_hop import NextHop

SHORT = Timeouts(connect=0.4, command=0.4, data=0.4, content=0.4, dot=0.4)
UNKNOWN = "451 4.4.2 Connection to next hop lost, outcome unknown"


@pytest.fixture
def hop() -> Iterator[NextHop]:
    with NextHop() as hop:
        yield hop


@pytest.fixture
def relay(hop: NextHop) -> Iterator[SmtpRelay]:
    relay = SmtpRelay(Endpoint.parse(hop.endpoint), "filter.example", SHORT, lmtp=True)
    yield relay
    relay.close()


def send(relay: SmtpRelay, *names: str, all_or_nothing: bool = True) -> list[str]:
    recipients = tuple(Recipient(parse_address(f"{name}@x.org".encode())) for name in names)
    submission = Submission(
        mail_from=parse_address(b"s@example.org"),
        recipients=recipients,
        content=Content(b"Subject: x\r\n\r\n", b"hello\r\n", 0),
        all_or_nothing=all_or_nothing,
    )
    return [str(reply) for reply in relay.send(submission).replies]


def test_it_says_lhlo(hop: NextHop, relay: SmtpRelay) -> None:
    assert send(relay, "a")[0].startswith("250")
    assert hop.commands[0] == "LHLO filter.example"
    assert relay.name == f"lmtp:[127.0.0.1]:{hop.address[1]}"


@pytest.mark.parametrize("all_or_nothing", [True, False])
def test_each_recipient_has_the_answer_that_is_his(
    all_or_nothing: bool, hop: NextHop, relay: SmtpRelay
) -> None:
    """O-7; after the dot SMTP input cannot ask for all or nothing any more."""
    hop.script.rcpt["b@x.org"] = "550 5.1.1 no such user"
    hop.script.dots = {"c@x.org": "452 4.2.2 over quota", "d@x.org": "552 5.2.2 over quota"}
    assert send(relay, "a", "b", "c", "d", "e", all_or_nothing=all_or_nothing) == [
        "250 2.0.0 Ok: queued as Q1",
        "550 5.1.1 no such user",
        "452 4.2.2 over quota",
        "552 5.2.2 over quota",
        "250 2.0.0 Ok: queued as Q1",
    ]


def test_answers_that_came_before_the_connection_was_lost_hold(
    hop: NextHop, relay: SmtpRelay
) -> None:
    """O-10: of the others nobody knows, and no other connection is tried."""
    hop.script.dots = {"b@x.org": ""}
    assert send(relay, "a", "b", "c") == ["250 2.0.0 Ok: queued as Q1", UNKNOWN, UNKNOWN]
    assert hop.connections == 1


def test_a_next_hop_that_shuts_down_between_two_answers_defers_the_rest(
    hop: NextHop, relay: SmtpRelay
) -> None:
    hop.script.dots = {"b@x.org": "421 4.3.2 shutting down"}
    replies = send(relay, "a", "b", "c")
    assert replies == ["250 2.0.0 Ok: queued as Q1"] + ["451 4.3.2 shutting down"] * 2


def test_all_answers_after_the_dot_have_one_deadline(hop: NextHop, relay: SmtpRelay) -> None:
    """O-11: a next hop that takes its time for each recipient must not outlast the sender."""
    hop.script.delay_seconds = {"dot": SHORT.dot * 0.4}
    assert send(relay, *"abcdefgh")[-3:] == [UNKNOWN] * 3


def test_the_connection_is_kept_for_the_next_message(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.dots = {"a@x.org": "452 4.2.2 over quota"}
    send(relay, "a", "b")
    send(relay, "c")
    assert hop.connections == 1
    assert [t.accepted for t in hop.ledger] == [["a@x.org", "b@x.org"], ["c@x.org"]]


def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    with NextHop(path=tmp_path / "lmtp") as hop:
        relay = SmtpRelay(Endpoint.parse(hop.endpoint), "filter.example", SHORT, lmtp=True)
        assert send(relay, "a")[0].startswith("250")
        assert relay.name == f"lmtp:{tmp_path / 'lmtp'}"
        relay.close()
