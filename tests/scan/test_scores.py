"""Scores through Postern are those of `spamassassin -t`: of the same octets, by the same
configuration, the same score rounded to its one decimal, and the same rules.

A sample within the suite; all labelled mail by

    POSTERN_SCORES=all ./postern test tests/scan/test_scores.py
"""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.stack import samples
from appliance.status.edit import set_setting
from smtpfilter.mail.address import parse_address
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Letter
from smtpfilter.scan.sample import sample
from tests.doubles.rendered_spamd import RenderedSpamd, rendered_spamd

LABELLED = ("ham", "spam", "sa_rules", "demo")
SAMPLE = 24  # mails

Score = tuple[str, frozenset[str]]  # with one decimal; names of rules

_REPORT = re.compile(
    r"^POSTERN-REPORT 1\nscore (?P<score>-?[\d.]+) .*\ntests (?P<tests>.*)$", re.MULTILINE
)
_SENDER = re.compile(r"^Return-Path: <m(\d+)@example\.org>", re.MULTILINE)


def labelled_mail() -> list[bytes]:
    folder = samples.find("", os.environ)
    everything = samples.read(folder) if folder else samples.generated()
    mails = [mail.octets for mail in everything if mail.group in LABELLED]
    if os.environ.get("POSTERN_SCORES") == "all":
        return mails
    return mails[:: max(1, len(mails) // SAMPLE)]


def sender(number: int) -> bytes:
    return b"m%d@example.org" % number


@pytest.mark.django_db(transaction=True)
def test_scores_and_rules_are_those_of_spamassassin(
    spooled: Callable[[bytes], SpooledMail], envelope: Envelope, tmp_path: Path
) -> None:
    """S-1, S-2, S-4.  Bayes does not learn meanwhile, or the second look would differ."""
    mails = labelled_mail()
    set_setting(name="bayes_auto_learn", value=False, actor="tests")
    with rendered_spamd() as spamd:
        spamd.agent().step()
        through_postern = [
            score_of(spamd, Letter(spooled(octets), replace(envelope, mail_from=address)))
            for number, octets in enumerate(mails)
            for address in [parse_address(sender(number))]
        ]
        alone = spamassassin(spamd, mails, tmp_path)

    differ = {
        number: (ours, alone.get(number))
        for number, ours in enumerate(through_postern)
        if ours != alone.get(number)
    }
    assert not differ


def score_of(spamd: RenderedSpamd, letter: Letter) -> Score:
    report = spamd.client().scan(letter, 60)
    return f"{report.score:.1f}", frozenset(rule.name for rule in report.rules)


def spamassassin(spamd: RenderedSpamd, mails: list[bytes], folder: Path) -> dict[int, Score]:
    """Return what `spamassassin -t` says about each, by its number."""
    files = []
    for number, octets in enumerate(mails):
        files.append(folder / f"{number}")
        files[-1].write_bytes(sample(octets, parse_address(sender(number))).octets)
    said = subprocess.run(
        [
            "spamassassin", "-t", f"--siteconfigpath={spamd.folder}", "--prefspath=/dev/null",
            "--cf=report_safe 0", *map(str, files),
        ],
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        check=True,
    ).stdout.decode("utf-8", "replace")  # fmt: skip
    found: dict[int, Score] = {}
    start = 0
    for report in _REPORT.finditer(said):
        number = int(_SENDER.findall(said, start, report.start())[0])
        words = [] if report["tests"] == "none" else report["tests"].split(",")
        found[number] = report["score"], frozenset(word.partition("=")[0] for word in words)
        start = report.end()
    return found
