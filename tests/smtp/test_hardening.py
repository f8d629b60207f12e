"""Where aiosmtpd 1.4.6 as it comes breaks our promises, and the session does not (design 4.3).

Each trap is one conversation.  It is held with our own server, and with stock aiosmtpd, where it
has to go wrong: if a newer aiosmtpd mends one, this says so.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from aiosmtpd.smtp import SMTP

from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from tests.doubles.upstream import Upstream
from tests.smtp.conftest import FakeHandler, Server

Address = tuple[str, int]


class StockHandler:
    """What the FakeHandler does, in aiosmtpd's words."""

    def __init__(self) -> None:
        self.finished = 0
        self.senders: list[str] = []
        self.contents: list[bytes] = []

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.senders.append(address)
        envelope.mail_from = address
        return "250 Ok"

    async def handle_DATA(self, server, session, envelope):
        if envelope.content.startswith(b"boom"):
            raise RuntimeError("secret")
        if envelope.content.startswith(b"slow"):
            await asyncio.sleep(0.8)
        self.contents.append(envelope.content)
        self.finished += 1
        return "250 Ok"


def our_answer(envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
    octets = bytes(mail.octets)
    if octets.startswith(b"boom"):
        raise RuntimeError("secret")
    if octets.startswith(b"slow"):
        time.sleep(0.8)
    return [Reply(250, "2.0.0", "Ok")]


@pytest.fixture
def stock_handler() -> StockHandler:
    return StockHandler()


@pytest.fixture
def stock(stock_handler: StockHandler) -> Iterator[Callable[..., Address]]:
    """Start stock aiosmtpd in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def start(timeout: float = 300) -> Address:
        def factory() -> SMTP:
            return SMTP(
                stock_handler, hostname="stock", enable_SMTPUTF8=True, timeout=timeout, loop=loop
            )

        coroutine = loop.create_server(factory, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(coroutine, loop).result(10)
        return server.sockets[0].getsockname()[:2]

    yield start
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def ours(start: Callable[..., Server], handler: FakeHandler) -> Callable[..., Address]:
    handler.answer = our_answer
    return lambda timeout=300.0: start(idle_timeout_seconds=timeout).address


def begin(address: Address) -> Upstream:
    client = Upstream(address)
    client.say("EHLO x.example")
    return client


def in_data(address: Address) -> Upstream:
    client = begin(address)
    client.envelope("a@example.org", "b@example.com")
    assert client.say("DATA").startswith("354")
    return client


def test_an_exception_is_451_and_does_not_leak(
    ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    def trap(address: Address) -> str:
        return begin_message(address, b"boom")

    assert trap(ours()) == "451 4.3.0 Temporary processing error, try again later"
    assert trap(stock()) == "500 Error: (RuntimeError) secret"


def begin_message(address: Address, content: bytes) -> str:
    with begin(address) as client:
        client.envelope("a@example.org", "b@example.com")
        return client.message(content + b"\r\n")


def test_a_half_closed_client_gets_its_reply(
    ours: Callable[..., Address],
    stock: Callable[..., Address],
    handler: FakeHandler,
    stock_handler: StockHandler,
) -> None:
    def trap(address: Address) -> str:
        client = in_data(address)
        client.send(b"slow\r\n.\r\n")
        time.sleep(0.2)
        client.half_close()
        return client.reply()

    assert trap(ours()) == "250 2.0.0 Ok"
    assert handler.finished == 1
    assert trap(stock()) == ""
    assert stock_handler.finished == 0


def test_a_message_at_work_is_finished_though_the_client_is_lost(
    ours: Callable[..., Address],
    stock: Callable[..., Address],
    handler: FakeHandler,
    stock_handler: StockHandler,
) -> None:
    def trap(address: Address) -> None:
        client = in_data(address)
        client.send(b"slow\r\n.\r\n")
        time.sleep(0.3)
        client.reset()
        time.sleep(1.0)

    trap(ours())
    assert handler.finished == 1
    trap(stock())
    assert stock_handler.finished == 0


def test_the_idle_timer_rests_while_a_message_is_at_work(
    ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    def trap(address: Address) -> str:
        client = in_data(address)
        client.send(b"slow\r\n.\r\n")
        return client.reply()

    assert trap(ours(0.4)) == "250 2.0.0 Ok"
    assert trap(stock(0.4)) == ""


def test_an_idle_client_is_told_why_it_must_go(
    ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    assert begin(ours(0.2)).reply().startswith("421 4.4.2")
    assert begin(stock(0.2)).reply() == ""


def test_a_long_line_is_taken_as_it_is(
    ours: Callable[..., Address], stock: Callable[..., Address], handler: FakeHandler
) -> None:
    assert begin_message(ours(), b"a" * 5000) == "250 2.0.0 Ok"
    assert handler.contents == [b"a" * 5000 + b"\r\n"]
    assert begin_message(stock(), b"a" * 5000).startswith("500")


@pytest.mark.parametrize(
    ("path", "stock_makes_of_it"),
    [
        ("", "<>"),
        ("=?utf-8?q?a?=@x.org", "a@x.org"),
        ("u(comment)@x.org", "u@x.org"),
        ("@r1,@r2:u@x.org", "u@x.org"),
    ],
)
def test_addresses_are_kept_octet_for_octet(
    path: str,
    stock_makes_of_it: str,
    ours: Callable[..., Address],
    stock: Callable[..., Address],
    handler: FakeHandler,
    stock_handler: StockHandler,
) -> None:
    def trap(address: Address) -> None:
        with begin(address) as client:
            client.envelope(path, "b@example.com")
            client.message(b"x\r\n")

    trap(ours())
    assert handler.envelopes[0].mail_from.octets == path.encode()
    trap(stock())
    assert stock_handler.senders[0] == stock_makes_of_it


@pytest.mark.parametrize("octets", [b"a\0b@x.org", b"a\rb@x.org"])
def test_control_characters_in_an_address_are_refused(
    octets: bytes, ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    def trap(address: Address) -> str:
        with begin(address) as client:
            return client.say(b"MAIL FROM:<" + octets + b">")

    assert trap(ours()).startswith("501 5.1.7")
    assert trap(stock()).startswith("250")


def test_dsn_parameters_are_taken(
    ours: Callable[..., Address], stock: Callable[..., Address], handler: FakeHandler
) -> None:
    def trap(address: Address) -> list[str]:
        with begin(address) as client:
            return [
                client.say("MAIL FROM:<a@x.org> RET=FULL ENVID=QQ314159aB"),
                client.say("RCPT TO:<b@x.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;B@x.org"),
                client.message(b"x\r\n"),
            ]

    assert [reply[:3] for reply in trap(ours())] == ["250", "250", "250"]
    envelope = handler.envelopes[0]
    assert (envelope.ret, envelope.envid) == (b"FULL", b"QQ314159aB")
    assert envelope.recipients[0].orcpt == b"rfc822;B@x.org"
    assert envelope.recipients[0].notify == ("SUCCESS", "FAILURE")
    assert trap(stock())[0].startswith("555")


def test_the_limits_of_a_session_are_its_own(
    ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    """aiosmtpd keeps one dictionary for all, which every new connection empties (finding 8)."""
    line = "MAIL FROM:<" + "a" * 500 + "@x.org>"
    assert 512 < len(line) + 2 < 538

    def trap(address: Address) -> str:
        first = begin(address)
        Upstream(address)  # another session
        return first.say(line)

    assert trap(ours()).startswith("250")
    assert trap(stock()).startswith("500")


@pytest.mark.parametrize("line", [b"NOOP\n", b"\nNOOP\n"])
def test_a_command_ends_in_crlf_only(
    line: bytes, ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    def trap(address: Address) -> list[str]:
        with begin(address) as client:
            client.send(line)
            return client.replies(line.count(b"\n"))

    assert all(reply.startswith("500 5.5.2") for reply in trap(ours()))
    assert trap(stock())[-1].startswith("250")


def test_pipelining_and_xforward_are_offered(
    ours: Callable[..., Address], stock: Callable[..., Address]
) -> None:
    def trap(address: Address) -> tuple[bool, bool, str]:
        with Upstream(address) as client:
            extensions = client.say("EHLO x.example")
            xforward = client.say("XFORWARD NAME=a.example")
        return (
            "-PIPELINING\n" in extensions,
            "XFORWARD NAME ADDR PORT PROTO" in extensions,
            xforward,
        )

    assert trap(ours()) == (True, True, "250 2.0.0 Ok")
    assert trap(stock()) == (False, False, '500 Error: command "XFORWARD" not recognized')


def test_what_follows_the_end_of_a_message_is_the_next_command(
    ours: Callable[..., Address],
) -> None:
    with in_data(ours()) as client:
        client.send(b"x\r\n.\r\nMAIL FROM:<c@x.org>\r\nRCPT TO:<d@x.org>\r\nDATA\r\n")
        assert [reply[:3] for reply in client.replies(4)] == ["250", "250", "250", "354"]
