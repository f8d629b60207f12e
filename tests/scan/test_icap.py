"""ICAP (RFC 3507): what answers mean, and what a server is shown (V-1, A5)."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.config import ConfigError, Endpoint
from smtpfilter.mail.findings import Virus
from smtpfilter.ports.engines import BrokeInScan, ConnectionBroke, ScannerFailed, VirusScan
from smtpfilter.scan.content import eicar
from smtpfilter.scan.icap import Icap, Service, judge
from smtpfilter.scan.icap_answer import receive_answer
from tests.doubles import scanners
from tests.scan import fake_engine
from tests.scan.fake_engine import FakeEngine, Play
from tests.scan.specimens import specimen

Engine = Callable[..., FakeEngine]
FAILURE = None
SENT = b"all is well, to be sure"


def infected(*names: str) -> VirusScan:
    return VirusScan(viruses=tuple(Virus(name, "icap") for name in names))


class Said:
    """A connection that says these octets in pieces and hangs up."""

    def __init__(self, octets: bytes, size: int = 7) -> None:
        self._pieces = [octets[at : at + size] for at in range(0, len(octets), size)]

    def receive(self, most: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


def meaning_of(octets: bytes) -> VirusScan:
    said: object = Said(octets)
    return judge(receive_answer(said, SENT))  # type: ignore[arg-type]


VIOLATIONS = b"X-Violations-Found: 2\r\n\tf\r\n A\r\n 1\r\n 2\r\n g\r\n B\r\n 1\r\n 2\r\n"
NO_CONTENT = b"ICAP/1.0 204 No Content\r\n"
OK = b"ICAP/1.0 200 OK\r\n"
HTTP = b"HTTP/1.1 200 OK\r\n\r\n"
BACK = b"Encapsulated: res-hdr=0, res-body=19\r\n\r\n" + HTTP
WHOLE = b"17\r\n" + SENT + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (NO_CONTENT + b"\r\n", VirusScan()),
        (NO_CONTENT + b'ISTag: "x"\r\nServer: y\r\n\r\n', VirusScan()),
        (b"ICAP/1.0 204\n\n", VirusScan()),
        (OK + BACK + WHOLE, VirusScan()),
        (OK + BACK + b"5;x\r\nall i\r\n12\r\n" + SENT[5:] + b"\r\n0\r\n\r\n", VirusScan()),
        (OK + b"X-Infection-Found: Type=0; Resolution=2; Threat=A B;\r\n\r\n", infected("A B")),
        (OK + b"x-infection-found: threat = A\r\n\r\n", infected("A")),
        (OK + b"X-Infection-Found: ?\r\n\r\n", infected("unnamed")),
        (OK + b"X-Virus-ID: A\r\nX-Infection-Found: Threat=B\r\n\r\n", infected("A")),
        (OK + b"X-Virus-ID:\r\n\r\n", infected("unnamed")),
        (
            OK + VIOLATIONS + b"\r\n",
            infected("A", "B"),
        ),
        (OK + b"X-Blocked: yes\r\n\r\n", infected("unnamed")),
        (OK + b"X-Virus-ID: A\r\n" + BACK + b"7\r\nblocked\r\n0\r\n\r\n", infected("A")),
        (NO_CONTENT + b"X-Virus-ID: A\r\n\r\n", infected("A")),
        (b"ICAP/1.0 403 No\r\nX-Virus-ID: A\r\n\r\n", infected("A")),
        (OK + b"\r\n", FAILURE),
        (OK + BACK + b"7\r\nblocked\r\n0\r\n\r\n", FAILURE),
        (OK + BACK + b"5\r\nall i\r\n0\r\n\r\n", FAILURE),
        (OK + BACK + b"17\r\n" + SENT + b"\r\n1\r\nx\r\n0\r\n\r\n", FAILURE),
        (OK + BACK + b"17\r\n" + SENT + b"more\r\n0\r\n\r\n", FAILURE),
        (OK + BACK + b"17\r\n" + SENT, FAILURE),
        (OK + BACK + b"-1\r\n", FAILURE),
        (OK + BACK + b"\r\n", FAILURE),
        (OK + BACK.replace(b"200", b"403") + WHOLE, FAILURE),
        (OK + BACK.replace(b"=19", b"=12") + WHOLE, FAILURE),
        (OK + b"Encapsulated: null-body=0\r\n\r\n", FAILURE),
        (OK + b"Encapsulated: res-hdr=0, res-body=999999999\r\n\r\n", FAILURE),
        (b"ICAP/1.0 404 ICAP Service not found\r\n\r\n", FAILURE),
        (b"ICAP/1.0 100 Continue\r\n\r\n", FAILURE),
        (b"ICAP/1.0 500 Server error\r\n\r\n", FAILURE),
        (b"ICAP/1.0 2040 x\r\n\r\n", FAILURE),
        (b"ICAP/2.0 204 x\r\n\r\n", FAILURE),
        (b"HTTP/1.1 204 x\r\n\r\n", FAILURE),
        (NO_CONTENT, FAILURE),
        (NO_CONTENT + b"no field\r\n\r\n", FAILURE),
        (NO_CONTENT + b" folded: x\r\n\r\n", FAILURE),
        (NO_CONTENT + b"A: " + b"x" * 70000 + b"\r\n\r\n", FAILURE),
        (NO_CONTENT + b"A: x\r\n" * 20000 + b"\r\n", FAILURE),
        (b"", FAILURE),
    ],
)
def test_only_exact_answers_are_definite(answer: bytes, meaning: VirusScan | None) -> None:
    if meaning is FAILURE:
        with pytest.raises(ScannerFailed):
            meaning_of(answer)
    else:
        assert meaning_of(answer) == meaning


@given(
    st.binary(max_size=60),
    st.sampled_from([b"", OK, OK + BACK, OK + BACK + WHOLE[:-9], NO_CONTENT[:-2]]),
)
def test_no_octets_but_204_and_what_was_sent_are_clean(tail: bytes, head: bytes) -> None:
    """A5: whatever the answer is."""
    try:
        scan = meaning_of(head + tail)
    except ScannerFailed:
        return
    assert scan.viruses or b" 204" in head + tail or SENT[:9] in head + tail


@pytest.mark.parametrize(
    ("message", "parts", "names"),
    [
        (b"", (), ()),
        (SENT, (), ()),
        (b"x" * 200_000, (b"y" * 70_000, b""), ()),
        (eicar(), (b"y",), ("EICAR-AV-Test",)),
        (SENT, (b"y", eicar()), ("EICAR-AV-Test",)),
    ],
)
@pytest.mark.parametrize("hands_back", [False, True])
def test_message_and_hidden_parts_arrive_as_they_are(
    engine: Engine,
    tmp_path: Path,
    message: bytes,
    parts: tuple[bytes, ...],
    names: tuple[str, ...],
    hands_back: bool,
) -> None:
    """V-1, RFC 3507 4.9: with Allow: 204, and from servers that do not use it."""
    double = scanners.IcapServer(hands_back=hands_back)
    scanner = icap(engine(double, tcp=True))
    assert scanner.scan(specimen(tmp_path, message, *parts), 5) == infected(*names)
    assert not double.complaints
    assert double.bodies == [message, *parts]


def icap(fake: FakeEngine) -> Icap:
    return Icap(Service.parse(f"icap://{fake.endpoint}/avscan?mode=all"))


def test_parts_that_the_message_shows_anyway_are_not_sent_again(
    engine: Engine, tmp_path: Path
) -> None:
    double = scanners.IcapServer()
    icap(engine(double, tcp=True)).scan(specimen(tmp_path, SENT, b"part", hidden=False), 5)
    assert double.bodies == [SENT]


def test_the_service_is_named_as_it_was_given(engine: Engine, tmp_path: Path) -> None:
    double = scanners.IcapServer()
    fake = engine(double, tcp=True)
    icap(fake).scan(specimen(tmp_path, SENT), 5)
    assert double.asked == [f"icap://{fake.endpoint}/avscan?mode=all".encode()]


def answers_early(answer: bytes) -> Play:
    """Answer, and hang up without having read the body."""

    def play(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer)

    return play


def takes_all(connection: socket.socket) -> None:
    """Read the whole request, and hang up."""
    taken = b""
    while not taken.endswith(b"\r\n0\r\n\r\n"):
        taken += connection.recv(65536)


@pytest.mark.parametrize(
    ("play", "error"),
    [
        (fake_engine.hangs_up, ConnectionBroke),
        (fake_engine.hangs, ScannerFailed),
        (answers_early(NO_CONTENT + b"\r\n"), ConnectionBroke),
        (takes_all, BrokeInScan),
    ],
    ids=["hangs up", "silence", "has not seen it all", "no answer"],
)
def test_misbehaviour_is_a_failure_in_time(
    engine: Engine, tmp_path: Path, play: Play, error: type[ScannerFailed]
) -> None:
    """A1, A2; nothing is clean of which the server did not take all."""
    message = SENT if error is BrokeInScan else b"x" * 20_000_000
    with pytest.raises(error):
        icap(engine(play, tcp=True)).scan(specimen(tmp_path, message), 1)


def test_a_part_that_is_gone_is_a_failure(engine: Engine, tmp_path: Path) -> None:
    shown = specimen(tmp_path, SENT, b"part")
    shown.files[0].path.unlink()
    with pytest.raises(ScannerFailed, match="cannot be read"):
        icap(engine(scanners.IcapServer(), tcp=True)).scan(shown, 5)


def says(answer: bytes) -> Play:
    def play(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return play


def test_options_tell_service_and_signatures(engine: Engine) -> None:
    """RFC 3507 4.7: ISTag."""
    double = scanners.IcapServer()
    assert icap(engine(double, tcp=True)).version(5) == "Double 1.0 for tests/5BDE-2026"
    assert not double.complaints


@pytest.mark.parametrize("answer", [b"ICAP/1.0 404 x\r\nISTag: x\r\n\r\n", OK + b"\r\n"])
def test_a_server_need_not_tell_its_version(engine: Engine, answer: bytes) -> None:
    assert icap(engine(says(answer), tcp=True)).version(5) == ""


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("icap://av.example/scan", Endpoint(host="av.example", port=1344)),
        ("icap://127.0.0.1:99/", Endpoint(host="127.0.0.1", port=99)),
        ("icap://[::1]:99/x?y=z", Endpoint(host="::1", port=99)),
    ],
)
def test_addresses_of_services(url: str, endpoint: Endpoint) -> None:
    assert Service.parse(url) == Service(endpoint, url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "icap://",
        "http://x/y",
        "x:1344",
        "/run/icap",
        "icap://x:port/y",
        "icap://x:99999/y",
        "icap://u@x/y",
        "icap://x/y z",
        "icap://x/y\r\nA: b",
        "icap://x/#y",
        "icap://[x/",
    ],
)
def test_what_is_no_service(url: str) -> None:
    with pytest.raises(ConfigError, match="icap://host"):
        Service.parse(url)
