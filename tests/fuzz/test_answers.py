"""Whatever an engine answers, it is a finding, a failure in words, or exactly what means clean: no
other exception, no text that could not be stored, no clean out of garbage (A5, B5).
"""

import math
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpfilter.mail.findings import SpamReport, visible
from smtpfilter.ports.engines import ScannerFailed, VirusScan
from smtpfilter.scan import clamd, icap, sophie, sssp
from smtpfilter.scan.command import Command, Criterion
from smtpfilter.scan.icap_answer import receive_answer
from smtpfilter.scan.report import parse_answer, parse_report
from smtpfilter.scan.rspamd import parse_answer as parse_http
from smtpfilter.scan.symbols import parse_scan
from tests.doubles import rspamd
from tests.fuzz.conftest import fuzzing
from tests.fuzz.mutations import mutated

SENT = b"the octets that were sent\r\n"
ODD = (b"\0", b"\r\n", b"\n", b"\xff", b"\x1b[2J", b"nan", b"-0", b"1e308", b"\xe2\x80\xae", b":")


class Said:
    """A connection on which all has been said; it comes in pieces of `size` octets."""

    def __init__(self, octets: bytes, size: int) -> None:
        self._octets, self._size = octets, size

    def receive(self, most: int, *, patience: float | None = None) -> bytes:
        piece = self._octets[: min(most, self._size)]
        self._octets = self._octets[len(piece) :]
        return piece


COMMAND = Command(
    "command",
    ("scan",),
    clean=Criterion(frozenset({0}), re.compile(rb"^Infected files: 0$", re.MULTILINE)),
    infected=Criterion(frozenset({1}), re.compile(rb"FOUND")),
    virus_name=re.compile(rb": (.*) FOUND"),
)


def _icap(octets: bytes) -> VirusScan:
    return icap.judge(receive_answer(Said(octets, 7), SENT))  # type: ignore[arg-type]


def _sssp(octets: bytes) -> VirusScan:
    return sssp.judge(sssp._answer(sssp._lines(Said(octets, 7))))  # type: ignore[arg-type]


def _command(octets: bytes) -> VirusScan:
    return COMMAND.judge(octets[0] if octets else 0, octets[1:])


def _only_zeros(octets: bytes) -> bool:
    lines = filter(None, re.split(rb"[\r\n\0]+", octets))
    return all(line.partition(b":")[0].strip(b"0") == b"" for line in lines)


def _done_without_a_virus(octets: bytes) -> bool:
    answer = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    infected = re.search(rb"^VIRUS(?:[ \t].*)?$", answer, re.MULTILINE)
    return answer.startswith(b"ACC ") and b"\nDONE" in answer and not infected


Judge = Callable[[bytes], VirusScan]
TARGETS: dict[str, tuple[Judge, tuple[bytes, ...], Callable[[bytes], bool]]] = {
    "clamd": (
        clamd.judge,
        (
            b"stream: OK\0",
            b"stream: Eicar FOUND\0",
            b"stream: x ERROR\0",
            b"stream: (null) FOUND\0",
        ),
        lambda octets: octets == b"stream: OK\0",
    ),
    "sophie": (
        sophie.judge,
        (b"0", b"0\n", b"1:W32/X\r\n", b"-1:no such file\0", b"1", b"00:\r\n"),
        _only_zeros,
    ),
    "sssp": (
        _sssp,
        (
            b"ACC 1/1\r\nDONE OK 0000 fine\r\n\r\n",
            b"ACC 1/1\r\nVIRUS X /a\r\nOK 0203 /a\r\nDONE OK 0203 found\r\n\r\n",
            b"ACC 1/1\r\nFAIL 0210 /a\r\nDONE FAIL 0210 bad\r\n\r\n",
            b"REJ 4\r\n",
        ),
        _done_without_a_virus,
    ),
    "icap": (
        _icap,
        (
            b"ICAP/1.0 204 No Content\r\nISTag: x\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=1; Threat=X;\r\n"
            b"Encapsulated: res-hdr=0, res-body=19\r\n\r\nHTTP/1.1 403 No\r\n\r\n0\r\n\r\n",
            b"ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=19\r\n\r\n"
            b"HTTP/1.1 200 OK\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SENT), SENT),
            b"ICAP/1.0 404 Service not found\r\n\r\n",
        ),
        lambda octets: re.match(rb"ICAP/1\.[01] 20[04]", octets) is not None,
    ),
    "command": (
        _command,
        (b"\0\nInfected files: 0\n", b"\1/a: Eicar FOUND\n", b"\2ERROR: no database\n", b"\x64x"),
        lambda octets: b"Infected files: 0" in octets and b"FOUND" not in octets,
    ),
}


def assert_judged(judge: Judge, octets: bytes, may_be_clean: Callable[[bytes], bool]) -> None:
    try:
        scan = judge(octets)
    except ScannerFailed as failure:
        assert str(failure) == visible(str(failure))
        assert len(str(failure)) < 1000
        return
    assert scan.failure is None
    if not scan.viruses and not scan.unchecked:
        assert may_be_clean(octets)
    for virus in scan.viruses or ():
        assert 0 < len(virus.name) <= 256
        assert virus.name == visible(virus.name)
    for item in scan.unchecked:
        assert item.text == visible(item.text)


@pytest.mark.parametrize("name", TARGETS)
def test_no_answer_of_a_virus_scanner_is_misread(name: str) -> None:
    """A5, V-7, V-9, V-10."""
    judge, answers, may_be_clean = TARGETS[name]

    @fuzzing(200)
    @given(mutated(answers, (*ODD, *answers)) | st.binary(max_size=200))
    def target(octets: bytes) -> None:
        assert_judged(judge, octets, may_be_clean)

    target()


TEMPLATE = (
    b"POSTERN-REPORT 1\nscore 6.9 required 6.3 autolearn no autolearn_force=no prefix [x] \n"
    b"tests ALL_TRUSTED=-1,GTUBE=1000\n 0.0 ALL_TRUSTED  text\n            more\n1000 GTUBE x\n"
)
STANDARD = (
    b"Content preview:\n\n pts rule name              description\n"
    b"---- ---------------------- --------------------------------------------------\n"
    b"-0.0 NO_RELAYS              Informational\n 1.5 MISSING_DATE           Missing\n\n"
)


def _spamd(body: bytes, spam: bytes = b"True ; 6.9 / 6.3") -> bytes:
    head = b"SPAMD/1.1 0 EX_OK\r\nContent-length: %d\r\nSpam: %s\r\n\r\n" % (len(body), spam)
    return head + body


def assert_scored(read: Callable[[], SpamReport]) -> None:
    try:
        report = read()
    except ScannerFailed as failure:
        assert str(failure) == visible(str(failure))
        return
    assert math.isfinite(report.score)
    assert all(abs(rule.points) <= 1000 for rule in report.rules)
    texts = [text for rule in report.rules for text in (rule.name, rule.description)]
    for text in (*texts, report.autolearn, report.subject_prefix):
        assert text == visible(text)
        assert len(text) <= 300


@fuzzing(200)
@given(mutated((_spamd(TEMPLATE), _spamd(STANDARD)), ODD) | st.binary(max_size=200))
def test_no_answer_of_spamd_is_misread(octets: bytes) -> None:
    """B5."""
    assert_scored(lambda: parse_report(parse_answer(octets)))


@fuzzing(200)
@given(mutated((rspamd.http(rspamd.scan({"A": 1.0, "B": -2.5})), rspamd.http(rspamd.gtube())), ODD))
def test_no_answer_of_rspamd_is_misread(octets: bytes) -> None:
    """B5, S-10."""
    assert_scored(lambda: parse_scan(parse_http(octets)))


@fuzzing(200)
@given(mutated((TEMPLATE, STANDARD), ODD))
def test_no_report_of_spamassassin_is_misread(body: bytes) -> None:
    """B5: whole answers, whose body is anything."""
    assert_scored(lambda: parse_report(parse_answer(_spamd(body))))
