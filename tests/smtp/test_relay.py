"""The next hop's answers and faults, and what the sender is told.

Reliability 2.4 (D1 to D16, D20, D22); O-5, O-6, O-10, E-6; BB-20 to BB-24, BB-27, BB-40 to BB-42.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpfilter.config import Endpoint
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Client, Recipient
from smtpfilter.mail.octets import Content
from smtpfilter.mail.reply import Reply
from smtpfilter.ports.delivery import Submission
from smtpfilter.smtp import kept
from smtpfilter.smtp.connection import Timeouts
from smtpfilter.smtp.relay import SmtpRelay
from tests.doubles.next_hop import NextHop
from tests.smtp.conftest import eventually

SHORT = Timeouts(connect=0.4, command=0.4, data=0.4, content=0.4, dot=0.4)
SETUP_FAULT = "451 4.3.5 Next hop is not set up to take this mail"


@pytest.fixture
def hop() -> Iterator[NextHop]:
    with NextHop() as hop:
        yield hop


@pytest.fixture
def relay(hop: NextHop) -> Iterator[SmtpRelay]:
    relay = SmtpRelay(Endpoint.parse(hop.endpoint), "filter.example", SHORT)
    yield relay
    relay.close()


def submission(*recipients: str, content: bytes = b"hello\r\n", **fields: object) -> Submission:
    return Submission(
        mail_from=parse_address(b"a@example.org"),
        recipients=tuple(
            Recipient(parse_address(address.encode())) for address in recipients or ("b@x.org",)
        ),
        content=Content(b"Subject: x\r\n\r\n", content, 0),
        **fields,  # type: ignore[arg-type]
    )


def send(relay: SmtpRelay, *recipients: str, **fields: object) -> list[str]:
    return [str(reply) for reply in relay.send(submission(*recipients, **fields)).replies]  # type: ignore


# What goes over the wire


def test_the_next_hop_gets_envelope_and_content_as_they_are(hop: NextHop, relay: SmtpRelay) -> None:
    client = Client(address="192.0.2.7", name="mx.example.net", helo="a b", ident="4bXyZ")
    recipients = (
        Recipient(parse_address(b'"a b"@X.org'), b"rfc822;a+20b@X.org", ("SUCCESS", "FAILURE")),
        Recipient(parse_address("ü@x.org".encode())),
    )
    handover = relay.send(
        Submission(
            mail_from=parse_address(b""),
            recipients=recipients,
            content=Content(b"A: b\r\n\r\n", b"xxx.\r\n.\r\nfoo\n", 3),
            client=client,
            eight_bit=True,
            smtputf8=True,
            ret=b"hdrs",
            envid=b"e+2B",
        )
    )
    assert handover.replies == (Reply(250, "2.0.0", "Ok: queued as Q1"),) * 2
    assert handover.hop == relay.name
    assert handover.dsn
    (transaction,) = hop.ledger
    assert transaction.mail == "<> BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=e+2B"
    assert transaction.rcpts == [
        '<"a b"@X.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+20b@X.org',
        "<ü@x.org>",
    ]
    assert transaction.xforward == {
        "NAME": "mx.example.net",
        "ADDR": "192.0.2.7",
        "HELO": "a+20b",
        "IDENT": "4bXyZ",
    }
    assert transaction.content == b"A: b\r\n\r\n.\r\n.\r\nfoo\r\n"
    assert hop.commands[0] == "EHLO filter.example"


def test_dsn_and_xforward_are_left_out_where_they_are_not_offered(
    hop: NextHop, relay: SmtpRelay
) -> None:
    """E-4, E-6, E-7."""
    hop.script.without("DSN", "XFORWARD", "PIPELINING")
    recipient = Recipient(parse_address(b"b@x.org"), b"rfc822;b@x.org", ("NEVER",))
    handover = relay.send(
        Submission(
            mail_from=parse_address(b"a@example.org"),
            recipients=(recipient,),
            content=Content(b"", b"x", 0),
            client=Client(name="mx.example.net"),
            ret=b"FULL",
            envid=b"e",
        )
    )
    assert handover.dsn is False  # so the wish for notices is ours to fulfil (E-7)
    assert hop.ledger[0].mail == "<a@example.org>"
    assert hop.ledger[0].rcpts == ["<b@x.org>"]
    assert hop.ledger[0].xforward == {}


def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    with NextHop(path=tmp_path / "hop") as hop:
        relay = SmtpRelay(Endpoint.parse(hop.endpoint), "filter.example", SHORT)
        assert send(relay) == ["250 2.0.0 Ok: queued as Q1"]
        assert relay.name == f"smtp:{tmp_path / 'hop'}"
        relay.close()


def test_a_large_message_arrives_whole(hop: NextHop, relay: SmtpRelay) -> None:
    content = b"".join(b".%d %s\r\n" % (i, b"x" * (i % 300)) for i in range(30_000))
    assert send(relay, content=content)[0].startswith("250")
    assert hop.ledger[0].content == b"Subject: x\r\n\r\n" + content


@pytest.mark.parametrize(
    ("need", "keyword", "expected"),
    [("eight_bit", "8BITMIME", "550 5.6.3"), ("smtputf8", "SMTPUTF8", "550 5.6.7")],
)
def test_what_the_next_hop_cannot_carry_is_refused(
    need: str, keyword: str, expected: str, hop: NextHop, relay: SmtpRelay
) -> None:
    hop.script.without(keyword)
    for reply in send(relay, "b@x.org", "c@x.org", **{need: True}):
        assert reply.startswith(expected)
    assert hop.ledger == []
    assert send(relay)[0].startswith("250")  # BB-40, BB-41: other mail flows


# Recipients


def test_a_refused_recipient_is_refused_and_the_others_get_one_copy(
    hop: NextHop, relay: SmtpRelay
) -> None:
    hop.script.rcpt["b@x.org"] = "550 5.1.1 no such user"
    replies = send(relay, "a@x.org", "b@x.org", "c@x.org")
    assert replies == [
        "250 2.0.0 Ok: queued as Q1",
        "550 5.1.1 no such user",
        "250 2.0.0 Ok: queued as Q1",
    ]
    assert hop.ledger[0].accepted == ["a@x.org", "c@x.org"]


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_deferred_recipient_defers_all_before_the_dot(
    pipelining: bool, hop: NextHop, relay: SmtpRelay
) -> None:
    """BB-20, O-5: SMTP input has one reply, so nobody gets a copy now."""
    if not pipelining:
        hop.script.without("PIPELINING")
    hop.script.rcpt = {"b@x.org": "450 4.2.0 greylisted", "c@x.org": "550 5.1.1 unknown"}
    assert send(relay, "a@x.org", "b@x.org", "c@x.org") == ["450 4.2.0 greylisted"] * 3
    assert hop.ledger[0].content is None
    assert "DATA" not in hop.commands
    assert hop.commands[-1] == "RSET"


def test_a_deferred_recipient_is_alone_where_each_has_a_reply(
    hop: NextHop, relay: SmtpRelay
) -> None:
    """BB-27, O-7."""
    hop.script.rcpt["b@x.org"] = "450 4.2.0 greylisted"
    replies = send(relay, "a@x.org", "b@x.org", "c@x.org", all_or_nothing=False)
    assert [reply[:3] for reply in replies] == ["250", "450", "250"]
    assert hop.ledger[0].accepted == ["a@x.org", "c@x.org"]


def test_where_all_are_refused_there_is_no_data(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.recipient = "550 5.1.1 no such user"
    assert send(relay, "a@x.org", "b@x.org") == ["550 5.1.1 no such user"] * 2
    assert "DATA" not in hop.commands


@pytest.mark.parametrize("all_or_nothing", [True, False])
def test_more_recipients_than_the_next_hop_takes_come_in_further_transactions(
    all_or_nothing: bool, hop: NextHop, relay: SmtpRelay
) -> None:
    """BB-23, O-6."""
    hop.script.most_recipients = 2
    addresses = [f"r{i}@x.org" for i in range(5)]
    replies = send(relay, *addresses, all_or_nothing=all_or_nothing)
    assert [reply[-2:] for reply in replies] == ["Q1", "Q1", "Q2", "Q2", "Q3"]
    assert [t.accepted for t in hop.delivered] == [addresses[:2], addresses[2:4], addresses[4:]]


@pytest.mark.parametrize("reply", ["452 4.3.1 insufficient storage", "452 no space left"])
def test_a_full_disk_is_not_taken_for_too_many_recipients(
    hop: NextHop, relay: SmtpRelay, reply: str
) -> None:
    hop.script.rcpt["b@x.org"] = reply
    assert send(relay, "a@x.org", "b@x.org") == [reply] * 2
    assert hop.delivered == []


def test_too_many_recipients_need_no_enhanced_code(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.rcpt["b@x.org"] = ["452 Too many recipients", "250 2.1.5 Ok"]
    assert send(relay, "a@x.org", "b@x.org") == [
        "250 2.0.0 Ok: queued as Q1",
        "250 2.0.0 Ok: queued as Q2",
    ]


def test_1100_recipients_go_in_one_transaction(hop: NextHop, relay: SmtpRelay) -> None:
    addresses = [f"r{i}@x.org" for i in range(1100)]
    assert {reply[:3] for reply in send(relay, *addresses)} == {"250"}
    assert hop.ledger[0].accepted == addresses


# Replies that refuse all


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        # D2, D12
        ("greeting", "421 4.3.2 too busy", "451 4.3.2 too busy"),
        ("greeting", "554 5.7.1 go away", SETUP_FAULT),
        ("greeting", "450 4.3.0 later", "450 4.3.0 later"),
        ("greeting", b"hello\r\n", "451 4.5.0"),
        ("greeting", b"\xff\x00\r\n", "451 4.5.0"),
        # D3
        ("ehlo", "502 5.5.1 what", SETUP_FAULT),
        ("ehlo", "421 4.3.2 busy", "451 4.3.2 busy"),
        # D4, D19
        ("mail", "451 4.3.0 later", "451 4.3.0 later"),
        ("mail", "550 5.7.1 not you", SETUP_FAULT),
        ("mail", "552 5.3.4 too big", "552 5.3.4 too big"),
        ("mail", "552 5.7.1 not you", SETUP_FAULT),
        ("mail", "452 4.3.1 full", "452 4.3.1 full"),
        ("mail", "421 4.3.2 bye", "451 4.3.2 bye"),
        ("mail", "354 what", SETUP_FAULT),
        # D5, D12
        ("recipient", "550 5.7.1 relay access denied", SETUP_FAULT),
        ("recipient", "554 5.7.0 no", SETUP_FAULT),
        ("recipient", "421 4.3.2 bye", "451 4.3.2 bye"),
        ("recipient", "354 what", SETUP_FAULT),
        # D9
        ("data", "451 4.3.0 later", "451 4.3.0 later"),
        ("data", "554 5.5.1 no valid recipients", SETUP_FAULT),
        ("data", "503 5.5.1 what", SETUP_FAULT),
        ("data", "421 4.3.2 bye", "451 4.3.2 bye"),
        ("data", "250 2.0.0 Ok", "451 4.5.0"),
        ("data", "355 Ok", "451 4.5.0"),
        ("data", b"354 go\r\n250 2.0.0 Ok\r\n", "451 4.5.0"),
        ("data", b"3544 go\r\n", "451 4.5.0"),
        # D15, D16
        ("dot", "451 4.3.0 later", "451 4.3.0 later"),
        ("dot", "554 5.7.1 we do not want this", "554 5.7.1 we do not want this"),
        ("dot", "421 4.3.2 bye", "451 4.3.2 bye"),
        ("dot", "354 what", "451 4.4.2 Connection to next hop lost, outcome unknown"),
        ("dot", b"2500 Ok\r\n", "451 4.4.2 Connection to next hop lost, outcome unknown"),
        ("dot", b"250-Ok\r\n550 no\r\n", "451 4.4.2 Connection to next hop lost, outcome"),
        ("dot", b"250-Ok\r\n", "451 4.4.2 Connection to next hop lost, outcome unknown"),
        ("dot", b"250 " + b"a" * 1_000_000, "451 4.4.2 Connection to next hop lost, outcome"),
        ("dot", b"\r\n", "451 4.4.2 Connection to next hop lost, outcome unknown"),
        ("dot", b"200\r\n", "200"),
        ("dot", "251 2.0.0 Ok", "251 2.0.0 Ok"),
        ("dot", b"250 2.0.0 a\0b\xff\r\n", "250 2.0.0 a b"),
        ("dot", "250 2.0.0 Ok\n250 2.0.0 more", "250 2.0.0 Ok more"),
        ("dot", b"250 Ok\n", "250 Ok"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_the_sender_is_told(
    stage: str, reply: str | bytes, expected: str, hop: NextHop, relay: SmtpRelay
) -> None:
    setattr(hop.script, stage, reply)
    told = send(relay, "b@x.org", "c@x.org")
    assert told[0] == told[1]
    assert told[0].startswith(expected)
    assert len([t for t in hop.ledger if t.dotted]) == (stage == "dot")
    # Whatever it was, the next mail goes through.
    setattr(hop.script, stage, getattr(type(hop.script)(), stage))
    assert send(relay) == [f"250 2.0.0 Ok: queued as Q{len(hop.ledger)}"]


def test_two_replies_at_once_after_the_dot_end_the_connection(
    hop: NextHop, relay: SmtpRelay
) -> None:
    hop.script.dot = b"250 2.0.0 Ok\r\n250 2.0.0 again\r\n"
    assert send(relay) == ["250 2.0.0 Ok"]
    hop.script.dot = "451 4.3.0 later"
    assert send(relay) == ["451 4.3.0 later"]
    assert hop.connections == 2


def test_a_fault_of_setup_is_an_alarm(
    hop: NextHop, relay: SmtpRelay, caplog: pytest.LogCaptureFixture
) -> None:
    hop.script.recipient = "554 5.7.1 <b@x.org>: Relay access denied"
    send(relay)
    (alarm,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "Relay access denied" in alarm.getMessage()


def test_a_refused_xforward_keeps_no_mail_back(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.xforward = "550 5.7.0 not you"
    assert send(relay, client=Client(name="a.example"))[0].startswith("250")


# Lost and silent connections


def test_nobody_listens_is_451() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        endpoint = Endpoint.parse("{}:{}".format(*closed.getsockname()))
    assert send(SmtpRelay(endpoint, "filter.example", SHORT)) == [
        "451 4.4.1 Next hop does not answer"
    ]


STAGES = ["greeting", "ehlo", "mail", "rcpt", "data", "dot"]


@pytest.mark.parametrize("fault", ["lose_at", "hang_at"])
@pytest.mark.parametrize("stage", STAGES)
def test_a_connection_lost_or_silent_is_451(
    fault: str, stage: str, hop: NextHop, relay: SmtpRelay
) -> None:
    """D11, D13, D14, BB-24."""
    setattr(hop.script, fault, stage)
    began = time.monotonic()
    (told,) = send(relay)
    assert told.startswith("451 4.4.2")
    assert ("outcome unknown" in told) == (stage == "dot")
    assert hop.delivered == []
    assert len([t for t in hop.ledger if t.dotted]) == (stage == "dot")
    assert time.monotonic() - began < 5
    setattr(hop.script, fault, "")
    assert send(relay)[0].startswith("250")


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("after", [0, 1000, 200_000])
def test_no_dot_is_sent_after_a_failed_write(
    reset: bool, after: int, hop: NextHop, relay: SmtpRelay
) -> None:
    """D10 (OpenSMTPD 1089)."""
    hop.script.lose_at, hop.script.content_bytes, hop.script.reset = "content", after, reset
    (told,) = send(relay, content=b"x" * 98 * 30_000)
    assert told.startswith("451 4.4.2")
    assert not hop.ledger[0].dotted
    assert b"\r\n.\r\n" not in hop.ledger[0].wire


def test_no_dot_is_sent_after_content_that_cannot_be_read(hop: NextHop, relay: SmtpRelay) -> None:
    class Broken:
        def chunks(self) -> Iterator[bytes]:
            yield b"x" * 100_000
            raise OSError("spool gone")

    broken = submission()
    object.__setattr__(broken, "content", Broken())
    with pytest.raises(OSError, match="spool gone"):
        relay.send(broken)
    assert send(relay)[0].startswith("250")
    assert hop.ledger[0].dotted is False


def test_a_late_answer_within_the_time_is_an_answer(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.delay_seconds["dot"] = 0.2
    assert send(relay)[0].startswith("250")


# Kept connections


def test_a_connection_is_kept(hop: NextHop, relay: SmtpRelay) -> None:
    for _ in range(3):
        assert send(relay)[0].startswith("250")
    hop.script.rcpt["b@x.org"] = "550 5.1.1 no"
    assert send(relay)[0].startswith("550")
    assert send(relay, "c@x.org")[0].startswith("250")
    assert hop.connections == 1


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "content"])
def test_a_kept_connection_that_dies_before_the_dot_is_replaced_once(
    stage: str, hop: NextHop, relay: SmtpRelay
) -> None:
    """D20, D22."""
    long = b"hello\r\n" * 600_000  # more than goes out before it is noticed that nobody listens
    send(relay)
    hop.script.lose_at, hop.script.times = stage, 1
    assert send(relay, content=long)[0].startswith("250")
    assert hop.connections == 2
    hop.script.times = 2
    assert send(relay, content=long)[0].startswith("451 4.4.2")
    assert len(hop.delivered) == 2


def test_a_kept_connection_that_dies_after_the_dot_is_not_tried_again(
    hop: NextHop, relay: SmtpRelay
) -> None:
    send(relay)
    hop.script.lose_at, hop.script.times = "dot", 1
    assert send(relay) == ["451 4.4.2 Connection to next hop lost, outcome unknown"]
    assert hop.connections == 1
    assert len(hop.ledger) == 2


def test_a_kept_connection_that_says_421_is_replaced(hop: NextHop, relay: SmtpRelay) -> None:
    send(relay)
    hop.script.mail = ["421 4.4.2 timeout exceeded", "250 2.1.0 Ok"]
    assert send(relay)[0].startswith("250")
    assert hop.connections == 2


def test_a_connection_that_was_closed_while_idle_is_not_used(
    hop: NextHop, relay: SmtpRelay
) -> None:
    send(relay)
    hop.close_connections()
    assert send(relay)[0].startswith("250")
    assert hop.connections == 2


def test_connections_are_retired(
    hop: NextHop, relay: SmtpRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_TRANSACTIONS", 3)
    for _ in range(4):
        send(relay)
    assert hop.connections == 2


def test_an_idle_connection_is_given_up(
    hop: NextHop, relay: SmtpRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "LONGEST_IDLE_SECONDS", 0.1)
    send(relay)
    eventually(lambda: hop.commands[-1] == "QUIT")
    assert send(relay)[0].startswith("250")
    assert hop.connections == 2


def test_threads_do_not_share_a_connection(hop: NextHop, relay: SmtpRelay) -> None:
    hop.script.delay_seconds["dot"] = 0.05
    outcomes: list[list[str]] = []

    def work(number: int) -> None:
        for round_ in range(5):
            token = b"%d-%d\r\n" % (number, round_)
            outcomes.append(send(relay, f"r{number}@x.org", content=token))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {replies[0][:3] for replies in outcomes} == {"250"}
    for transaction in hop.delivered:
        (address,) = transaction.accepted
        assert transaction.content.splitlines()[-1].startswith(address[1:2].encode() + b"-")  # type: ignore
    assert len(hop.delivered) == 30
    assert hop.connections <= 6


def test_what_was_taken_is_taken_though_no_thread_can_be_started(
    hop: NextHop, relay: SmtpRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Timer, "start", refuse)
    assert send(relay, "b@example.com")[0].startswith("250 ")
    assert len(hop.ledger) == 1
