"""Network tests with a real spamd and local stand-ins: a DNS list, a Pyzor server."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.domains.edit import add_network
from appliance.engines.models import Rendering
from appliance.status.edit import set_settings
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Letter
from tests.doubles.dns import DnsServer
from tests.doubles.rendered_spamd import RenderedSpamd, rendered_spamd

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = b"A paragraph with words enough that a digest can be made of it, number %d.\r\n"
MAIL = b"".join(
    [
        b"Received: from mx.example.net (mx.example.net [203.0.113.66])\r\n"
        b"\tby front.example.com (Postfix) with ESMTPS id 1; Mon, 23 Nov 2026 00:00:01 +0000\r\n"
        b"Received: from bulk.example.net (bulk.example.net [203.0.113.99])\r\n"
        b"\tby mx.example.net (Postfix) with ESMTPS id 2; Mon, 23 Nov 2026 00:00:00 +0000\r\n"
        b"From: a@example.net\r\nTo: b@example.com\r\nMessage-Id: <1@example.net>\r\n"
        b"Date: Mon, 23 Nov 2026 00:00:00 +0000\r\nSubject: a subject\r\n\r\n",
        *(TEXT % number for number in range(9)),
        b"See http://listed.example.info/ for more.\r\n",
    ]
)
RULES = """\
header RCVD_IN_LIST eval:check_rbl('list-lastexternal', 'list.example.')
describe RCVD_IN_LIST The server is on the list
tflags RCVD_IN_LIST net
score RCVD_IN_LIST 1.5
urirhssub URIBL_LIST links.example. A 2
body URIBL_LIST eval:check_uridnsbl('URIBL_LIST')
describe URIBL_LIST A link is on the list
tflags URIBL_LIST net
score URIBL_LIST 2.5
"""


@pytest.fixture(scope="module")
def dns() -> Iterator[DnsServer]:
    with DnsServer() as server:
        server.add("66.113.0.203.list.example", "A", "127.0.0.2")
        server.add("99.113.0.203.list.example", "A", "127.0.0.2")
        server.add("example.info.links.example", "A", "127.0.0.2")
        yield server


@pytest.fixture(scope="module")
def spamd(dns: DnsServer, django_db_setup: None, django_db_blocker: Any) -> Iterator[RenderedSpamd]:
    with django_db_blocker.unblock(), rendered_spamd(dns.endpoint) as running:
        (running.folder / "own.cf").write_text(RULES)
        yield running


@pytest.fixture
def names(
    spamd: RenderedSpamd, spooled: Callable[[bytes], SpooledMail], envelope: Envelope
) -> Callable[[], set[str]]:
    """Return a function that brings the settings into force and tells which rules fire."""

    def scan() -> set[str]:
        spamd.agent().step()
        row = Rendering.objects.get()
        assert (row.ok, row.detail) == (True, "")
        report = spamd.client().scan(Letter(spooled(MAIL), envelope), 60)
        return {rule.name for rule in report.rules}

    return scan


@pytest.fixture
def pyzor(spamd: RenderedSpamd, tmp_path: Path) -> Iterator[Path]:
    """A Pyzor server that knows nothing yet; SpamAssassin asks it.  Yields its home."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    (tmp_path / "servers").write_text(f"127.0.0.1:{port}\n")
    (tmp_path / "pyzord.access").write_text("check report ping pong info : anonymous : allow\n")
    (tmp_path / "pyzord.passwd").touch()
    command = [
        *("/usr/bin/pyzord", "--homedir", str(tmp_path), "-a", "127.0.0.1", "-p", port),
        *("-e", "gdbm", "--dsn", str(tmp_path / "db")),
    ]
    settings = spamd.folder / "pyzor.cf"
    settings.write_text(f"pyzor_options --homedir {tmp_path}\npyzor_timeout 30\n")
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        until = time.monotonic() + 30
        while ask_pyzor(tmp_path, "ping") != 0:
            assert time.monotonic() < until, "the Pyzor server does not answer"
            time.sleep(0.1)
        yield tmp_path
        server.terminate()
    settings.unlink()


def ask_pyzor(home: Path, verb: str) -> int:
    command = ["/usr/bin/pyzor", "--homedir", str(home), verb]
    return subprocess.run(command, input=MAIL, capture_output=True, check=False).returncode


def test_off_means_that_nobody_is_asked(
    dns: DnsServer, names: Callable[[], set[str]], pyzor: Path
) -> None:
    """S-6: off at the start, whatever the single switches say."""
    for _ in range(6):
        ask_pyzor(pyzor, "report")
    dns.asked.clear()

    fired = names()

    assert not fired & {"RCVD_IN_LIST", "URIBL_LIST", "PYZOR_CHECK"}
    assert dns.asked == []


def test_dns_lists_are_asked_about_the_last_server_that_is_not_ours_and_about_links(
    dns: DnsServer, names: Callable[[], set[str]]
) -> None:
    """S-6, S-11: DNSBL by Received fields and own networks, RHSBL by links."""
    set_settings(values={"network_tests": True, "razor": False, "pyzor": False}, actor="a")
    dns.asked.clear()
    assert {"RCVD_IN_LIST", "URIBL_LIST"} <= names()
    assert "66.113.0.203.list.example A" in dns.asked

    add_network(cidr="203.0.113.66/32", profile="", actor="a")
    dns.asked.clear()
    assert "RCVD_IN_LIST" in names()
    assert "66.113.0.203.list.example A" not in dns.asked
    assert "99.113.0.203.list.example A" in dns.asked


def test_pyzor_alone_is_asked(names: Callable[[], set[str]], pyzor: Path) -> None:
    """S-12: each has a switch of its own; the real server of Debian's package."""
    set_settings(values={"network_tests": True, "dns_lists": False, "dcc": False}, actor="a")
    assert not names() & {"RCVD_IN_LIST", "URIBL_LIST", "PYZOR_CHECK"}

    for _ in range(6):
        ask_pyzor(pyzor, "report")
    assert "PYZOR_CHECK" in names()
