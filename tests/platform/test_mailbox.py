"""The demo mailbox keeps exactly what it is given: one Maildir, octets as received."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.stack import environment, process


class Client:
    """A raw SMTP connection: what is sent is what was written."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=20)
        self._file = self._socket.makefile("rb")
        assert self.reply().startswith("220 ")

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def reply(self) -> str:
        lines = [self._file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self._file.readline())
        return b"".join(lines).decode()

    def say(self, octets: bytes) -> str:
        self.send(octets + b"\r\n")
        return self.reply()

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inbox")


@pytest.fixture(scope="module")
def address(inbox: Path) -> Iterator[tuple[str, int]]:
    listen = environment.free_address()
    command = [sys.executable, "-m", "appliance.stack", "mailbox", listen, str(inbox)]
    with subprocess.Popen(command, cwd=environment.CHECKOUT, stderr=subprocess.PIPE) as server:
        child = process.Child("mailbox", server, Path("/dev/null"))
        process.wait_ready(child, lambda: environment.listening(listen))
        yield "127.0.0.1", int(listen.rpartition(":")[2])
        server.terminate()


@pytest.fixture
def client(address: tuple[str, int]) -> Iterator[Client]:
    client = Client(address)
    yield client
    client.close()


def kept(inbox: Path, reply: str) -> bytes:
    """Return the file whose queue id the reply names."""
    [file] = (inbox / "new").glob(f"*.{reply.split()[-1]}.*")
    return file.read_bytes()


BODIES = {
    "plain": b"Subject: x\r\n\r\nHello\r\n",
    "empty": b"",
    "only an empty line": b"\r\n",
    "dots at line starts": b".\r\n..\r\n.a\r\n...b\r\n",
    "NUL and 8-bit octets": bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n",
    "lone CR and LF": b"a\rb\nc\n\rd\r\n",
    "a dot between lone LFs ends nothing": b"a\n.\nb\r\n",
    "a dot after CR LF but before a lone LF ends nothing": b"a\r\n.\nb\r\n",
    "a dot between lone CRs ends nothing": b"a\r.\rb\r\n",
    "a line of 200,000 octets": b"x" * 200_000 + b"\r\n",
    "5 MB": (b"0123456789" * 7 + b"\r\n") * 70_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_mail_is_kept_octet_for_octet_below_its_envelope(
    client: Client, inbox: Path, body: bytes
) -> None:
    client.say(b"EHLO there")
    client.say(b"MAIL FROM:<a@example.org> BODY=8BITMIME SIZE=1000")
    client.say(b"RCPT TO:<b@example.com> NOTIFY=NEVER")
    client.say(b'RCPT TO:<"odd > quoted"@example.com>')
    assert client.say(b"DATA").startswith("354 ")
    stuffed = (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:]
    client.send(stuffed)
    reply = client.say(b".")
    assert reply.startswith("250 2.0.0 Ok: queued as ")
    assert kept(inbox, reply) == (
        b"X-Envelope-From: a@example.org\r\n"
        b"X-Envelope-To: b@example.com\r\n"
        b'X-Envelope-To: "odd > quoted"@example.com\r\n' + body
    )


def test_the_null_sender_has_an_empty_address(client: Client, inbox: Path) -> None:
    client.say(b"EHLO there")
    client.say(b"MAIL FROM:<>")
    client.say(b"RCPT TO:<b@example.com>")
    client.say(b"DATA")
    assert kept(inbox, client.say(b"x\r\n.")).startswith(b"X-Envelope-From: \r\nX-Envelope-To: b@")


def test_pipelined_commands_after_a_mail_are_answered_in_order(client: Client, inbox: Path) -> None:
    one = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
    client.send(b"EHLO there\r\n" + one)
    assert "PIPELINING" in client.reply()
    assert [client.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    client.send(b"first\r\n.\r\n" + one + b"second\r\n.\r\nQUIT\r\n")
    replies = [client.reply() for _ in range(6)]
    assert [reply[:3] for reply in replies] == ["250", "250", "250", "354", "250", "221"]
    assert kept(inbox, replies[0]).endswith(b"first\r\n")
    assert kept(inbox, replies[4]).endswith(b"second\r\n")


@pytest.mark.parametrize(
    "feature", ["PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE", "XFORWARD", "ENHANCEDSTATUS"]
)
def test_it_offers_what_a_next_hop_offers(client: Client, feature: str) -> None:
    assert f"250-{feature}" in (reply := client.say(b"EHLO there")) or f"250 {feature}" in reply


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"RCPT TO:<b@x>", "503"),
        (b"DATA", "503"),
        (b"MAIL FROM:a@x", "501"),
        (b"MAIL FROM:<a\n@x>", "501"),
        (b"WHAT", "500"),
        (b"XFORWARD NAME=x ADDR=192.0.2.1", "250"),
    ],
)
def test_commands_out_of_place_are_refused(client: Client, line: bytes, code: str) -> None:
    client.say(b"EHLO there")
    assert client.say(line).startswith(code)


def test_a_connection_that_breaks_inside_a_mail_leaves_nothing(
    address: tuple[str, int], inbox: Path
) -> None:
    before = set((inbox / "new").iterdir())
    client = Client(address)
    client.send(b"EHLO there\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nhalf a mail\r\n")
    client.close()
    other = Client(address)
    assert other.say(b"NOOP").startswith("250 ")
    other.close()
    assert set((inbox / "new").iterdir()) == before
