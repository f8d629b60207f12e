"""Several listening addresses: a profile may go by the port that mail came in on (E-5)."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpfilter.config import ConfigError, Endpoint, FilterConfig
from smtpfilter.supervisor import listening_sockets
from tests.doubles.upstream import send_mail
from tests.smtp.conftest import FakeHandler, Server

ANY = Endpoint(host="127.0.0.1", port=0)


def test_mail_comes_in_on_each_address_and_the_envelope_tells_on_which(
    start: Callable[..., Server], handler: FakeHandler, tmp_path: Path
) -> None:
    unix = Endpoint(path=str(tmp_path / "s"))
    server = start(listen=(ANY, ANY, unix))
    for address in (*server.addresses, server.address):
        assert send_mail(address, b"x\r\n")[0].startswith("250")
    (_, one), (_, two) = server.addresses[:2]
    assert one != two
    assert [envelope.port for envelope in handler.envelopes] == [one, two, 0, one]


def test_after_the_drain_nobody_listens_anywhere(start: Callable[..., Server]) -> None:
    server = start(listen=(ANY, ANY))
    server.stop()
    for address in server.addresses:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


def test_where_one_address_is_taken_none_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = Endpoint(host="127.0.0.1", port=other.getsockname()[1])
        with pytest.raises(OSError, match="another program listens there"):
            listening_sockets([Endpoint(path=str(tmp_path / "s")), taken])
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(str(tmp_path / "s"))


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        ("", "127.0.0.1:10025"),
        ("127.0.0.1:10025", "127.0.0.1:10025"),
        ("127.0.0.1:10025, [::1]:10035,/run/postern", "127.0.0.1:10025 [::1]:10035 /run/postern"),
        ("127.0.0.1:0,127.0.0.1:0", "127.0.0.1:0 127.0.0.1:0"),
    ],
)
def test_addresses_are_written_by_comma_the_main_one_first(text: str, listen: str) -> None:
    config = FilterConfig.from_environment({"FILTER_LISTEN": text})
    assert " ".join(map(str, config.listen)) == listen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:10025,10035", "FILTER_LISTEN: '10035' is no address: write /path"),
        ("127.0.0.1:25,/a,127.0.0.1:25", "FILTER_LISTEN: 127.0.0.1:25 stands there twice"),
    ],
)
def test_what_is_no_list_of_addresses_stops_the_start(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        FilterConfig.from_environment({"FILTER_LISTEN": text})
