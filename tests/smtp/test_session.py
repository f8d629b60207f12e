"""The conversation: bad input, limits, envelope, spool, draining.

Reliability 2.5 (E1 to E6) and 3.1 (P1 to P13), E-1 to E-4, E-9, BB-39, BB-42, BB-43.
"""

import hashlib
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpfilter.errors import InProgress, MailLoop, SpoolFull
from smtpfilter.mail.envelope import Client
from smtpfilter.mail.reply import Reply
from tests.doubles.upstream import Upstream, send_mail
from tests.smtp.conftest import FakeHandler, Server, eventually

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.txt"))


def hello(server: Server, greeting: str = "EHLO x.example") -> Upstream:
    client = Upstream(server.address)
    assert client.say(greeting).startswith("250")
    return client


def in_data(server: Server, greeting: str = "EHLO x.example", *recipients: str) -> Upstream:
    client = hello(server, greeting)
    client.envelope("a@example.org", *(recipients or ("b@example.com",)))
    assert client.say("DATA").startswith("354")
    return client


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_dialog(path: Path, server: Server) -> None:
    """`> `: sent; `< `: how a reply begins; `<end`: the connection ends; all else explains."""
    with Upstream(server.address) as client:
        replies = client.greeting.split("\n")
        for line in path.read_text().splitlines():
            if line.startswith(">"):
                assert not replies, f"not expected: {replies}"
                client.send(line[2:].encode() + b"\r\n")
            elif line == "<end":
                assert client.closed()
            elif line.startswith("< "):
                replies = replies or client.reply().split("\n")
                assert replies.pop(0).startswith(line[2:]), line


# Commands


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"NOOP " + b"a" * 505, "250"),
        (b"NOOP " + b"a" * 506, "500 5.5.2"),
        (b"NOOP " + b"a" * 1_000_000, "500 5.5.2"),
        (b"  noop  ", "250"),
        (b"NoOp x", "250"),
        (b"", "500 5.5.2"),
        (b"NO\0OP", "500 5.5.2"),
        (b"NOOP\rQUIT", "500 5.5.2"),
        (b"\xff\xfe", "500 5.5.2"),
        (b"NOOP\tx", "500 5.5.2"),
        (b"XYZZY", "500 5.5.1"),
        (b"SMTP_DATA", "500 5.5.2"),
        (b"EHLO", "501 5.5.4"),
        (b"EHLO a\0b", "501 5.5.4"),
        (b"RSET x", "501 5.5.4"),
        (b"VRFY root", "252 2.0.0"),
        *(
            (verb, "502 5.5.1")
            for verb in (b"BDAT 3", b"STARTTLS", b"AUTH PLAIN", b"XCLIENT ADDR=::1", b"TURN")
        ),
        *((verb, "502 5.5.1") for verb in (b"ETRN x", b"EXPN x", b"HELP")),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", "500 5.5.1"),
        (b"MAIL", "501 5.1.7"),
        (b"MAIL FROM a@x.org", "501 5.1.7"),
        (b"MAIL FROM:a@x.org", "501 5.1.7"),
        (b"MAIL FROM:<a@x.org", "501 5.1.7"),
        (b"MAIL FROM:<a@x.org>SIZE=1", "501 5.1.7"),
        (b"MAIL FROM:<" + b"a" * 2100 + b">", "500 5.5.2"),
        (b"mail from: <a@x.org>  body=7bit ", "250 2.1.0"),
        (b"MAIL FROM:<> SIZE=67108864", "250 2.1.0"),
        (b"MAIL FROM:<> SIZE=67108865", "552 5.3.4"),
        (b"MAIL FROM:<> FOO=1", "555 5.5.4"),
        (b"MAIL FROM:<\xc3\xa9@x.org>", "553 5.6.7"),
        (b"MAIL FROM:<\xc3\xa9@x.org> SMTPUTF8", "250 2.1.0"),
        (b"MAIL FROM:<\xed\xa0\x80@x.org> SMTPUTF8", "553 5.6.7"),
        (b"RCPT TO:<a@x.org>", "503 5.5.1"),
        (b"DATA", "503 5.5.1"),
        (b"DATA x", "501 5.5.4"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_one_command_after_ehlo(octets: bytes, expected: str, server: Server) -> None:
    """E-2, E-3."""
    with hello(server) as client:
        assert client.say(octets).startswith(expected)
        assert client.say("NOOP") == "250 2.0.0 Ok"  # the conversation goes on


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"RCPT TO:<>", "501 5.1.3"),
        (b"RCPT TO:<a\x01b@x.org>", "501 5.1.3"),
        (b"RCPT TO:<\xc3\xa9@x.org>", "553 5.6.7"),
        (b"RCPT TO:<postmaster>", "250 2.1.5"),
        (b'RCPT TO:<"a>b c"@x.org> NOTIFY=NEVER', "250 2.1.5"),
        (b"RCPT TO:<a@x.org> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        (b"RCPT TO:<a@x.org> FOO", "555 5.5.4"),
        (b"MAIL FROM:<b@x.org>", "503 5.5.1"),
        (b"XFORWARD NAME=x", "503 5.5.1"),
        (b"DATA", "503 5.5.1"),
    ],
)
def test_one_command_after_mail(octets: bytes, expected: str, server: Server) -> None:
    with hello(server) as client:
        client.say("MAIL FROM:<a@example.org>")
        assert client.say(octets).startswith(expected)
        assert client.say("RCPT TO:<b@example.com>").startswith("250")  # MAIL is not forgotten


def test_mail_needs_a_greeting(server: Server) -> None:
    with Upstream(server.address) as client:
        assert client.say("MAIL FROM:<a@example.org>").startswith("503 5.5.1")


@pytest.mark.parametrize("line", ["NOOP", "RSET", "XYZZY", "", "VRFY x"])
def test_100_useless_commands_end_the_conversation(line: str, server: Server) -> None:
    with hello(server) as client:
        client.send((line + "\r\n").encode() * 150)
        replies = client.replies(101)
        assert not any(reply.startswith("421") for reply in replies[:100])
        assert replies[100].startswith("421 4.7.0")
        assert client.closed()


def test_useless_commands_are_counted_anew_after_each_message(server: Server) -> None:
    with hello(server) as client:
        for _ in range(3):
            for _ in range(60):
                assert client.say("RSET").startswith("250")
            client.envelope("a@example.org", "b@example.com")
            assert client.message(b"x\r\n").startswith("250")


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "POST / HTTP/1.0", "connect x:25 HTTP/1.1"])
def test_a_web_browser_is_sent_away(line: str, server: Server) -> None:
    with Upstream(server.address) as client:
        assert client.say(line).startswith("500 5.5.1")
        assert client.closed()


@pytest.mark.parametrize("line", ["EHLO x", "LHLO x", "HELO x", "DATA"])
def test_who_talks_before_the_answer_is_sent_away(
    line: str, server: Server, handler: FakeHandler
) -> None:
    with hello(server) as client:
        client.envelope("a@example.org", "b@example.com")
        client.send(f"{line}\r\nSubject: smuggled\r\n.\r\n".encode())
        assert client.reply().startswith("554 5.5.0")
        assert client.closed()
    assert handler.envelopes == []


def test_replies_of_a_pipelined_group_leave_together(server: Server) -> None:
    with hello(server) as client:
        client.send(b"MAIL FROM:<a@x.org>\r\n" + b"RCPT TO:<b@x.org>\r\n" * 20 + b"DATA\r\n")
        time.sleep(0.2)
        assert client.socket.recv(65536).count(b"\r\n") == 22
        client.send(b".\r\n")
        assert client.reply().startswith("250")


def test_a_reply_does_not_wait_for_half_a_command(server: Server) -> None:
    with hello(server) as client:
        client.send(b"NOOP\r\nVRF")
        assert client.reply().startswith("250")
        client.send(b"Y x\r\n")
        assert client.reply().startswith("252")


def test_a_client_of_another_network_is_refused(start: Callable[..., Server]) -> None:
    server = start(allowed_clients=())
    with Upstream(server.address) as client:
        assert client.greeting == "554 5.7.1 Access denied"
        assert client.closed()


# The envelope


def test_the_envelope_says_all(server: Server, handler: FakeHandler) -> None:
    with hello(server) as client:
        client.say("XFORWARD NAME=mx.example.net ADDR=192.0.2.7 PROTO=ESMTP")
        client.say("XFORWARD HELO=[UNAVAILABLE] IDENT=4bXyZ SOURCE=REMOTE")
        client.say("MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By SIZE=9")
        client.say("RCPT TO:<B@Example.com> NOTIFY=FAILURE")
        client.say("RCPT TO:<B@Example.com>")
        client.message(b"x\r\n")
    (envelope,) = handler.envelopes
    assert envelope.peer == "127.0.0.1"
    assert (envelope.protocol, envelope.helo) == ("ESMTP", "x.example")
    assert envelope.client == Client(
        address="192.0.2.7",
        name="mx.example.net",
        proto="ESMTP",
        ident="4bXyZ",
        source="REMOTE",
    )
    assert (envelope.body, envelope.smtputf8) == ("8BITMIME", True)
    assert (envelope.ret, envelope.envid) == (b"HDRS", b"x+2By")
    # Given twice means twice.
    assert [r.address.octets for r in envelope.recipients] == [b"B@Example.com"] * 2
    assert [r.notify for r in envelope.recipients] == [("FAILURE",), ()]


def test_nothing_of_a_transaction_is_left_in_the_next(server: Server, handler: FakeHandler) -> None:
    with hello(server) as client:
        client.say("XFORWARD NAME=first.example IDENT=Q1")
        client.say("MAIL FROM:<a@x.org> BODY=8BITMIME RET=FULL ENVID=e")
        client.say("RCPT TO:<b@x.org>")
        client.message(b"one\r\n")
        client.envelope("c@x.org", "d@x.org")
        client.message(b"two\r\n")
        client.say("XFORWARD NAME=third.example")
        client.envelope("e@x.org", "f@x.org")
        client.say("RSET")
        client.envelope("g@x.org", "h@x.org")
        client.message(b"three\r\n")
    one, two, three = handler.envelopes
    assert one.client == Client(name="first.example", ident="Q1")
    assert (two.client, two.body, two.ret, two.envid) == (Client(), None, None, None)
    assert [r.address.text for r in two.recipients] == ["d@x.org"]
    assert (three.client, three.mail_from.text) == (Client(), "g@x.org")
    assert [r.address.text for r in three.recipients] == ["h@x.org"]
    assert len({one.mail_id, two.mail_id, three.mail_id}) == 3
    assert handler.contents == [b"one\r\n", b"two\r\n", b"three\r\n"]


@pytest.mark.parametrize(
    "argument", ["FOO=x", "NAME", "NAME=a=b", "ADDR=1.2.3", "NAME=" + "a" * 256, ""]
)
def test_bad_xforward_is_501_and_changes_nothing(
    argument: str, server: Server, handler: FakeHandler
) -> None:
    with hello(server) as client:
        client.say("XFORWARD NAME=good.example")
        assert client.say(f"XFORWARD {argument}").startswith("501 5.5.4")
        client.envelope("a@x.org", "b@x.org")
        client.message(b"x\r\n")
    assert handler.envelopes[0].client == Client(name="good.example")


def test_the_1101st_recipient_is_452(server: Server, handler: FakeHandler) -> None:
    with hello(server) as client:
        client.say("MAIL FROM:<a@x.org>")
        client.send(b"".join(b"RCPT TO:<r%d@x.org>\r\n" % i for i in range(1102)))
        replies = client.replies(1102)
        assert all(reply == "250 2.1.5 Ok" for reply in replies[:1100])
        assert replies[1100:] == ["452 4.5.3 Too many recipients"] * 2
        assert client.message(b"x\r\n").startswith("250")
    assert len(handler.envelopes[0].recipients) == 1100


# Replies


def test_lmtp_answers_for_each_recipient(server: Server, handler: FakeHandler) -> None:
    handler.answer = [
        Reply(250, "2.0.0", "taken"),
        Reply(550, "5.7.1", "no"),
        Reply(450, "", "later"),
    ]
    with in_data(server, "LHLO x", "a@x.org", "b@x.org", "c@x.org") as client:
        client.send(b"x\r\n.\r\n")
        assert client.replies(3) == ["250 2.0.0 taken", "550 5.7.1 no", "450 later"]
        assert client.say("NOOP") == "250 2.0.0 Ok"
    assert handler.envelopes[0].protocol == "LMTP"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MailLoop("private"), "554 5.4.6"),
        (InProgress("private"), "451 4.3.0 This message is still"),
        (SpoolFull("private"), "452 4.3.1"),
        (ValueError("private"), "451 4.3.0"),
        (KeyError("private"), "451 4.3.0"),
    ],
)
@pytest.mark.parametrize(("greeting", "count"), [("EHLO x", 1), ("LHLO x", 2)])
def test_an_error_has_its_reply_and_keeps_its_detail(
    error: Exception, expected: str, greeting: str, count: int, server: Server, handler: FakeHandler
) -> None:
    handler.answer = error
    with in_data(server, greeting, "a@x.org", "b@x.org") as client:
        client.send(b"x\r\n.\r\n")
        for reply in client.replies(count):
            assert reply.startswith(expected)
            assert "private" not in reply
        assert client.say("NOOP") == "250 2.0.0 Ok"


@pytest.mark.parametrize("replies", [[], [Reply(250, "2.0.0", "Ok")] * 2])
def test_a_wrong_number_of_replies_is_451(
    replies: list[Reply], server: Server, handler: FakeHandler
) -> None:
    handler.answer = replies
    with in_data(server) as client:
        client.send(b"x\r\n.\r\n")
        assert client.reply().startswith("451 4.3.0")
        assert client.say("NOOP") == "250 2.0.0 Ok"


def test_a_reply_cannot_bring_a_second_one(server: Server, handler: FakeHandler) -> None:
    handler.answer = Reply(550, "5.0.0", "no\r\n250 2.0.0 yes \xe9")
    with in_data(server) as client:
        client.send(b"x\r\n.\r\n")
        assert client.reply() == "550 5.0.0 no 250 2.0.0 yes"
        assert client.say("NOOP") == "250 2.0.0 Ok"


# The message


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"no header\r\n",
        b"lone\nLF \n.\n and\rCR\r.\r\r\n",
        b".\r\n..\r\n...\r\n",
        b"\0\0NUL\0\r\n",
        bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n",
        b"a" * 1_000_000 + b"\r\n",
        b"\xed\xa0\x80\xc0\xaf\xff\r\n",
    ],
    ids=["empty", "crlf", "text", "lone", "dots", "nul", "all", "long", "not-utf-8"],
)
def test_octets_arrive_as_sent(content: bytes, server: Server, handler: FakeHandler) -> None:
    assert send_mail(server.address, content)[0].startswith("250")
    assert handler.contents == [content]
    assert handler.sums == [hashlib.sha256(content).hexdigest()]


def test_corpus_of_raw_smtp_arrives_as_sent(
    corpus: Path, server: Server, handler: FakeHandler
) -> None:
    """One message in is one message to process, whatever end it pretends to have (P1, INV6)."""
    files = sorted((corpus / "smtp_raw").glob("*.eml"))
    assert files
    expected = []
    for file in files:
        content = file.read_bytes()
        expected.append(content if content.endswith(b"\r\n") else content + b"\r\n")
        assert send_mail(server.address, content)[0].startswith("250")
    assert handler.contents == expected


@pytest.mark.parametrize("block", [b"\r\n", b"a", b"\n", b"..\r\n"])
def test_memory_is_bounded_whatever_the_lines(
    block: bytes, start: Callable[..., Server], handler: FakeHandler
) -> None:
    """Finding 4: aiosmtpd needs 84 octets for each octet of empty lines."""
    handler.process = lambda envelope, mail: [Reply(250, "", str(mail.size_bytes))]  # type: ignore
    server = start()
    size = 8_000_000 // len(block) * len(block)
    piece = block * (65536 // len(block))
    with in_data(server) as client:
        tracemalloc.start()
        try:
            sent = 0
            while sent < size:
                client.send(piece[: size - sent])
                sent += len(piece[: size - sent])
            client.send(b"\r\n.\r\n")
            assert client.reply().startswith("250")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2_000_000


def test_memory_is_bounded_in_an_endless_command_too(server: Server) -> None:
    with hello(server) as client:
        tracemalloc.start()
        try:
            for _ in range(128):
                client.send(b"a" * 65536)
            client.send(b"\r\n")
            assert client.reply().startswith("500 5.5.2")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 2_000_000


def test_too_big_is_552_after_the_end_and_the_conversation_goes_on(
    start: Callable[..., Server], handler: FakeHandler
) -> None:
    server = start(message_size_limit_bytes=1000)
    with in_data(server) as client:
        client.send(b"a" * 998 + b"\r\n.\r\n")
        assert client.reply().startswith("250")
    with in_data(server, "LHLO x", "a@x.org", "b@x.org") as client:
        client.send(b"a" * 200_000 + b"\r\nQUIT\r\n.\r\n")
        assert client.replies(2) == ["552 5.3.4 Message exceeds the size limit"] * 2
        assert client.say("NOOP") == "250 2.0.0 Ok"
    assert len(handler.envelopes) == 1


def test_a_full_spool_is_452_and_room_comes_back(
    start: Callable[..., Server], handler: FakeHandler
) -> None:
    server = start(spool_limit_bytes=10_000)
    handler.gate = threading.Event()
    first = in_data(server)
    first.send(b"a" * 7998 + b"\r\n.\r\n")
    handler.started.wait(10)
    with in_data(server) as second:
        second.send(b"a" * 7998 + b"\r\n.\r\n")
        assert second.reply().startswith("452 4.3.1")
        # Where the size is declared, it is said before the octets are sent.
        assert second.say("MAIL FROM:<a@x.org> SIZE=8000").startswith("452 4.3.1")
        handler.gate.set()
        assert first.reply().startswith("250")
        assert second.say("MAIL FROM:<a@x.org> SIZE=8000").startswith("250")


def test_a_full_disk_is_452(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smtpfilter.smtp.spool.tempfile.mkdtemp", no_room)
    with hello(server) as client:
        client.envelope("a@x.org", "b@x.org")
        assert client.say("DATA").startswith("452 4.3.1")
        assert client.say("NOOP") == "250 2.0.0 Ok"


def test_the_spool_is_empty_when_the_message_is_done(
    server: Server, handler: FakeHandler, tmp_path: Path
) -> None:
    seen = []

    def look(envelope: object, mail: object) -> Reply:
        (mail.folder / "0001").write_text("part")  # type: ignore[attr-defined]
        seen.append((mail.path.read_bytes(), mail.folder.stat().st_mode & 0o777))  # type: ignore
        return [Reply(250, "2.0.0", "Ok")]  # type: ignore[return-value]

    handler.answer = look
    send_mail(server.address, b"x\r\n")
    assert seen == [(b"x\r\n", 0o700)]
    (process,) = tmp_path.glob("postern-*")
    assert list(process.iterdir()) == []


# Too busy, too slow, gone


def test_mail_is_451_while_pool_and_waiting_line_are_full(
    start: Callable[..., Server], handler: FakeHandler
) -> None:
    server = start(threads=1, backlog=1)
    handler.gate = threading.Event()
    late = in_data(server)
    busy = [in_data(server), in_data(server)]
    for client in busy:
        client.send(b"x\r\n.\r\n")
    eventually(lambda: server.pool.full)
    with hello(server) as client:
        assert client.say("MAIL FROM:<a@x.org>") == "451 4.3.2 Too busy, try again later"
    late.send(b"x\r\n.\r\n")
    assert late.reply().startswith("451 4.3.2")
    handler.gate.set()
    assert [client.reply()[:3] for client in busy] == ["250", "250"]
    with hello(server) as client:
        assert client.say("MAIL FROM:<a@x.org>").startswith("250")


@pytest.mark.parametrize("lines", [b"NOO", b"Subject: never complete"])
def test_a_trickle_is_421(lines: bytes, start: Callable[..., Server]) -> None:
    server = start(idle_timeout_seconds=0.4)
    client = hello(server) if lines.startswith(b"NOO") else in_data(server)
    client.socket.settimeout(0.05)
    began = time.monotonic()
    for octet in lines * 5:
        client.send(bytes([octet]))
        try:
            octets = client.socket.recv(100)
        except TimeoutError:
            continue
        break
    assert octets.startswith(b"421 4.4.2")
    assert time.monotonic() - began < 5


def test_a_long_message_that_keeps_coming_is_not_idle(start: Callable[..., Server]) -> None:
    server = start(idle_timeout_seconds=0.4)
    with in_data(server) as client:
        for _ in range(8):
            client.send(b"a" * 998 + b"\r\n")
            time.sleep(0.1)
        client.send(b".\r\n")
        assert client.reply().startswith("250")


@pytest.mark.parametrize("how", ["close", "reset", "half_close"])
def test_a_message_without_its_end_is_nothing(
    how: str, server: Server, handler: FakeHandler, tmp_path: Path
) -> None:
    client = in_data(server)
    client.send(b"Subject: x\r\n\r\nhello\r\n.\r")
    getattr(client, how)()
    (process,) = tmp_path.glob("postern-*")
    eventually(lambda: not list(process.iterdir()))
    assert handler.envelopes == []


def test_a_message_cut_anywhere_is_nothing(server: Server, handler: FakeHandler) -> None:
    """E1: only the last octet of the end makes it a message."""
    wire = b"Subject: x\r\n\r\n..\r\nhello\r\n.\r\n"
    for length in range(len(wire)):
        client = in_data(server)
        client.send(wire[:length])
        client.close()
    assert send_mail(server.address, b"the end")[0].startswith("250")
    eventually(lambda: handler.contents == [b"the end\r\n"])


def test_a_message_that_waits_for_a_thread_is_dropped_when_the_client_is_lost(
    start: Callable[..., Server], handler: FakeHandler, tmp_path: Path
) -> None:
    server = start(threads=1, backlog=5)
    handler.gate = threading.Event()
    busy = in_data(server)
    busy.send(b"first\r\n.\r\n")
    assert handler.started.wait(10)
    waiting = in_data(server)
    waiting.send(b"second\r\n.\r\n")
    (process,) = tmp_path.glob("postern-*")
    eventually(lambda: len(list(process.glob("*/message"))) == 2)
    time.sleep(0.1)
    waiting.reset()
    eventually(lambda: len(list(process.glob("*/message"))) == 1)
    handler.gate.set()
    assert busy.reply().startswith("250")
    assert handler.contents == [b"first\r\n"]


def test_draining_lets_a_message_that_is_being_sent_come_to_its_end(
    server: Server, handler: FakeHandler
) -> None:
    idle, sending = hello(server), in_data(server)
    sending.send(b"half")
    server.begin_to_stop()
    assert idle.reply().startswith("421 4.3.2")
    sending.send(b" done\r\n.\r\n")
    assert sending.reply().startswith("250")
    assert sending.reply().startswith("421 4.3.2")
    eventually(lambda: server.drained)
    assert handler.contents == [b"half done\r\n"]
