"""Reading what spamd answers to REPORT: the protocol strictly, then our template or the usual one.

Our template (design 4.16; the site's SpamAssassin configuration) gives the points of every rule
with all decimals, ahead of anything that mail content could reach:

    POSTERN-REPORT 1
    score _SCORE_ required _REQD_ autolearn _AUTOLEARN_ prefix _SUBJPREFIX_
    tests _TESTSSCORES(,)_
    _SUMMARY_

A template without the prefix serves as well.  The summary, and the table of the standard report,
give points with one decimal, name and description; lines that do not begin with points continue the
description before them and may quote the mail.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smtpfilter.mail.findings import Rule, SpamReport, visible
from smtpfilter.ports.engines import ScannerFailed

LONGEST_ANSWER = 256 * 1024  # octets
HIGHEST_POINTS = 1000.0  # either way; GTUBE's, and more than any level
MOST_RULES = 1000
LONGEST_DESCRIPTION = 300
LONGEST_PREFIX = 100

_MARKER = "POSTERN-REPORT 1"
_STATUS = re.compile(r"SPAMD/\d{1,3}\.\d{1,3} (?P<code>\d{1,6}) (?P<word>[A-Z_]{1,40})?.*")
_FIELD = re.compile(r"(?P<name>[A-Za-z-]{1,40})[ \t]*:[ \t]*(?P<value>.{0,200})")
_NUMBER = r"-?\d{1,9}(?:\.\d{1,9})?"
_SPAM = re.compile(rf"(?:True|False|Yes|No) ; (?P<score>{_NUMBER}) / {_NUMBER}", re.IGNORECASE)
_AUTOLEARN = re.compile(
    r"score .*? autolearn (?P<word>[a-z]{1,20})(?: .*?)??(?: prefix (?P<prefix>.*))?"
)
_TEST = re.compile(rf"(?P<name>[A-Za-z0-9_]{{1,100}})=(?P<points>{_NUMBER})")
_ROW = re.compile(
    rf" {{0,4}}(?P<points>{_NUMBER}) (?P<name>[A-Za-z0-9_]{{1,100}})(?: +(?P<text>.*))?"
)
_RULER = re.compile(r"---- -{5,} -{5,}")


@dataclass(frozen=True, slots=True)
class Answer:
    """spamd's reply: its status word, its fields by lower-case name, its body."""

    status: str
    fields: dict[str, str]
    body: str


def parse_answer(octets: bytes) -> Answer:
    """Return spamd's reply.  Raises ScannerFailed on anything but a whole, successful one (B5)."""
    head, _, body = octets.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    match = _STATUS.fullmatch(status)
    if not match:
        raise ScannerFailed("spamd's answer does not begin with a status line")
    if match["code"] != "0":
        raise ScannerFailed(f"spamd answered with code {match['code']}")
    fields = dict(_fields(lines))
    length = fields.get("content-length")
    if length is not None and (not length.isdecimal() or int(length) != len(body)):
        raise ScannerFailed("spamd's answer is not as long as it says")
    return Answer(match["word"] or "", fields, body.decode("utf-8", "replace"))


def parse_report(answer: Answer) -> SpamReport:
    """Return score and rules of an answer to REPORT.  Raises ScannerFailed without a sane score."""
    match = _SPAM.fullmatch(answer.fields.get("spam", "").strip())
    if not match or "content-length" not in answer.fields:
        raise ScannerFailed("spamd's answer has no score")
    lines = answer.body.split("\n")
    if lines[0].rstrip() == _MARKER:
        return _exact(lines)
    rules = tuple(_rows(_below_ruler(lines)))[:MOST_RULES]
    return SpamReport(score=within_reason(float(match["score"])), rules=rules)


def total(rules: Iterable[Rule]) -> float:
    """Return the score that these rules make, to three decimals; never a negative zero."""
    return round(math.fsum(rule.points for rule in rules), 3) + 0.0


def within_reason(points: float) -> float:
    """Return the points, at most HIGHEST_POINTS either way; never a negative zero."""
    return max(-HIGHEST_POINTS, min(HIGHEST_POINTS, points)) + 0.0


def _fields(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        match = _FIELD.fullmatch(line)
        if line and not match:
            raise ScannerFailed("spamd's answer has a broken header")
        if match:
            yield match["name"].lower(), match["value"]


def _exact(lines: list[str]) -> SpamReport:
    """Return what our template says: the score is the sum of the rules' points."""
    if len(lines) < 3 or not (autolearn := _AUTOLEARN.fullmatch(lines[1])):
        raise ScannerFailed("spamd's report is not whole")
    descriptions = {rule.name: rule.description for rule in reversed(tuple(_rows(lines[3:])))}
    rules = tuple(
        Rule(name, points, descriptions.get(name, "")) for name, points in _tests(lines[2])
    )
    prefix = visible(autolearn["prefix"] or "", LONGEST_PREFIX).lstrip()
    return SpamReport(
        score=total(rules), rules=rules, autolearn=autolearn["word"], subject_prefix=prefix
    )


def _tests(line: str) -> Iterator[tuple[str, float]]:
    text = line.removeprefix("tests ").strip()
    words = [] if text == "none" else text.split(",")
    if not line.startswith("tests ") or len(words) > MOST_RULES:
        raise ScannerFailed("spamd's report has no list of rules")
    for word in words:
        match = _TEST.fullmatch(word)
        if not match:
            raise ScannerFailed("spamd's report has a broken list of rules")
        yield match["name"], within_reason(float(match["points"]))


def _rows(lines: list[str]) -> Iterator[Rule]:
    """Yield the rows of a summary, each with the lines that continue it."""
    rows: list[tuple[str, float, list[str]]] = []
    for line in lines:
        row = _ROW.fullmatch(line.rstrip())
        if row:
            rows.append((row["name"], within_reason(float(row["points"])), [row["text"] or ""]))
        elif rows and line.strip():
            rows[-1][2].append(line.strip())
    for name, points, text in rows:
        yield Rule(name, points, visible(" ".join(text), LONGEST_DESCRIPTION))


def _below_ruler(lines: list[str]) -> list[str]:
    """Return the table of the standard report: below its last ruler, up to an empty line."""
    rulers = [number for number, line in enumerate(lines) if _RULER.fullmatch(line.strip())]
    if not rulers:
        return []
    table = lines[rulers[-1] + 1 :]
    blank = next((number for number, line in enumerate(table) if not line.strip()), len(table))
    return table[:blank]
