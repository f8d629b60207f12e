"""Bulk learning: what is read from files and uploads, what a job counts, and that no step does harm
when it comes twice.
"""

import io
import mailbox
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig

from appliance.engines import learning
from appliance.engines.learning import learn_files, learn_some, start_upload, stop_job
from appliance.engines.learning_models import LearningJob, LearningMail
from appliance.engines.stored_mail import MOST_BYTES, mails_in, mails_of
from appliance.engines.uploads import BoundedUpload
from appliance.errors import Already, Refused, Unknown
from appliance.policies.models import PolicyChange
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.sample import sample

pytestmark = pytest.mark.django_db

ONE, TWO = b"Subject: one\r\n\r\nfirst\r\n", b"Subject: two\r\n\r\nsecond\r\n"
MBOX = b"From a@example.org Thu Jan  1 00:00:00 2026\n%s\nFrom b@example.org x\n%s\n" % (
    ONE.replace(b"\r", b""),
    TWO.replace(b"\r", b""),
)


class Scanner:
    """A spam scanner that remembers; `poison` makes it fail, `down` makes it give no answer."""

    def __init__(self) -> None:
        self.learnt: dict[bytes, str] = {}
        self.poison = b""
        self.down = False

    def learn(self, octets: bytes, kind: learning.Kind) -> bool:
        if self.down or (self.poison and self.poison in octets):
            raise ScannerFailed("no answer")
        before = self.learnt.get(octets)
        if kind == "forget":
            return self.learnt.pop(octets, None) is not None
        self.learnt[octets] = kind
        return before != kind

    def ping(self) -> None:
        if self.down:
            raise ScannerFailed("nobody listens")


@pytest.fixture
def scanner() -> Scanner:
    return Scanner()


def counts(job: LearningJob) -> tuple[str, int, int, int, int]:
    job.refresh_from_db()
    return job.state, job.total, job.learnt, job.known, job.failed


def upload(octets: bytes, kind: learning.Kind = "spam") -> LearningJob:
    return start_upload(kind=kind, source="mail.mbox", file=io.BytesIO(octets), actor="ada")


# What is read


def test_a_file_is_one_message_or_an_mbox() -> None:
    assert list(mails_of(io.BytesIO(ONE))) == [ONE]
    assert list(mails_of(io.BytesIO(MBOX))) == [m.replace(b"\r", b"") for m in (ONE, TWO)]


def test_an_mbox_of_the_standard_library_is_read_as_it_was_written(tmp_path: Path) -> None:
    with_from = b"Subject: three\n\nFrom here on\n\nFrom there\n>From quoted\n\n\n"
    made = mailbox.mbox(tmp_path / "box")
    for octets in (b"Subject: one\n\nx\n", with_from, b"Subject: two\n\n"):
        made.add(octets)
    made.close()

    assert list(mails_in(tmp_path / "box")) == [
        b"Subject: one\n\nx\n",
        with_from.replace(b">From quoted", b"From quoted"),
        b"Subject: two\n\n",
    ]


@pytest.mark.parametrize(
    "hostile",
    [
        b"From ",
        b"From x\n" * 1000,
        b"From x\n\n" * 1000,
        b"From x\n" + b"y" * 3_000_000,
        b"From x\n" + b"y\n" * 1_500_000,
        b"From x\nSubject: y\n\n" + b"\n" * 1_000_000,
        b"\0" * 3_000_000,
    ],
    ids=["postmark", "postmarks", "empty mails", "line", "lines", "empty lines", "zeros"],
)
def test_no_file_makes_a_mail_longer_than_the_scanner_reads(hostile: bytes) -> None:
    mails = list(mails_of(io.BytesIO(hostile)))

    assert all(0 < len(mail) <= MOST_BYTES + 2 * 65536 for mail in mails)
    assert len(mails) <= 1


def test_what_is_kept_of_a_long_mail_is_what_the_scanner_is_shown_of_it() -> None:
    long = b"Subject: long\n\n" + b"all of this is text\n" * 40_000
    (alone,) = mails_of(io.BytesIO(long))
    (in_box,) = mails_of(io.BytesIO(b"From x\n" + long))

    assert sample(alone).octets == sample(in_box).octets == sample(long).octets


def test_folders_and_maildirs_are_read_with_all_below_them(tmp_path: Path) -> None:
    """Links and what is not delivered yet are left alone."""
    maildir = mailbox.Maildir(tmp_path / "Maildir")
    maildir.add(b"Subject: new\n\n")
    maildir.add_folder("Junk").add(b"Subject: junk\n\n")
    (tmp_path / "Maildir" / "tmp" / "half").write_bytes(b"half")
    (tmp_path / "Maildir" / "dovecot.index").write_bytes(b"no mail")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "box").write_bytes(MBOX)
    (tmp_path / "folder" / "one.eml").write_bytes(ONE)
    (tmp_path / "folder" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "folder" / "pipe")

    found = sorted(mails_in(tmp_path))

    ours = [m.replace(b"\r", b"") for m in (ONE, TWO)]
    assert found == sorted([b"Subject: new\n\n", b"Subject: junk\n\n", ONE, *ours])


# An upload


def test_an_upload_is_learnt_by_whoever_comes_by(scanner: Scanner) -> None:
    job = upload(MBOX)
    assert counts(job) == ("under way", 2, 0, 0, 0)

    assert learn_some(scanner=scanner, seconds=60) == 2
    assert counts(job) == ("done", 2, 2, 0, 0)
    assert set(scanner.learnt.values()) == {"spam"}
    assert not LearningMail.objects.exists()
    assert learn_some(scanner=scanner, seconds=60) == 0


def test_it_is_learnt_a_bit_at_a_time(scanner: Scanner) -> None:
    job = upload(MBOX)
    times = iter([0.0, 0.0, 5.0])

    assert learn_some(scanner=scanner, seconds=4, clock=lambda: next(times)) == 1
    assert counts(job) == ("under way", 2, 1, 0, 0)


def test_learning_twice_counts_as_known_and_relearning_needs_no_forgetting(
    scanner: Scanner,
) -> None:
    for kind, expected in (
        ("spam", (2, 0)),
        ("spam", (0, 2)),
        ("ham", (2, 0)),
        ("forget", (2, 0)),
        ("forget", (0, 2)),
    ):
        job = upload(MBOX, kind)  # type: ignore[arg-type]
        learn_some(scanner=scanner, seconds=60)
        assert counts(job) == ("done", 2, *expected, 0)


def test_while_the_scanner_is_down_the_mail_waits_and_the_job_says_why(scanner: Scanner) -> None:
    job = upload(MBOX)
    scanner.down = True
    for _ in range(10):
        assert learn_some(scanner=scanner, seconds=60) == 0
    assert counts(job) == ("under way", 2, 0, 0, 0)
    assert job.detail == "the spam scanner does not answer: nobody listens"

    scanner.down = False
    learn_some(scanner=scanner, seconds=60)
    assert counts(job) == ("done", 2, 2, 0, 0)
    assert not job.detail


def test_mail_on_which_the_scanner_fails_is_counted_and_holds_nothing_up(scanner: Scanner) -> None:
    job = upload(MBOX)
    scanner.poison = b"first"

    learn_some(scanner=scanner, seconds=60)

    assert counts(job) == ("done", 2, 1, 0, 1)


def test_stopping_forgets_what_was_not_learnt_yet(scanner: Scanner) -> None:
    job = upload(MBOX)
    stop_job(job_id=job.pk, actor="ada")

    assert counts(job)[0] == "stopped"
    assert learn_some(scanner=scanner, seconds=60) == 0
    assert not LearningMail.objects.exists()
    with pytest.raises(Already):
        stop_job(job_id=job.pk, actor="ada")
    with pytest.raises(Unknown):
        stop_job(job_id=0, actor="ada")


def test_who_let_it_learn_what_is_recorded() -> None:
    upload(MBOX)

    change = PolicyChange.objects.first()
    assert change is not None
    assert (change.who, change.verb, change.key) == ("ada", "learn spam", "mail.mbox")
    assert change.after == {"mails": 2}


def test_an_upload_without_mail_or_with_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Refused, match="no mail"):
        upload(b"")
    monkeypatch.setattr(learning, "UPLOAD_MAILS", 1)
    with pytest.raises(Refused, match="divide it"):
        upload(MBOX)


def test_a_name_from_a_browser_is_made_visible(scanner: Scanner) -> None:
    job = start_upload(kind="ham", source="a\0\x1bb" * 400, file=io.BytesIO(ONE), actor="x")

    assert len(job.source) == 500
    assert job.source.isprintable()


def test_a_request_larger_than_any_upload_is_not_read() -> None:
    handler = BoundedUpload()
    handler.handle_raw_input(None, {}, learning.UPLOAD_BYTES, b"", None)
    with pytest.raises(RequestDataTooBig):
        handler.handle_raw_input(None, {}, 2 * learning.UPLOAD_BYTES, b"", None)


# A command


def test_files_are_learnt_at_once(scanner: Scanner, tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(MBOX)
    (tmp_path / "one").write_bytes(ONE)

    job = learn_files(kind="ham", paths=[tmp_path], actor="ada", scanner=scanner)

    assert counts(job) == ("done", 3, 3, 0, 0)


def test_a_scanner_that_goes_away_stops_the_command_in_words(
    scanner: Scanner, tmp_path: Path
) -> None:
    (tmp_path / "one").write_bytes(ONE)
    scanner.down = True

    with pytest.raises(Refused, match="learning stopped: nobody listens"):
        learn_files(kind="ham", paths=[tmp_path], actor="ada", scanner=scanner)

    job = LearningJob.objects.get()
    assert (job.state, job.detail) == ("stopped", "nobody listens")


def test_the_job_of_a_command_that_was_killed_does_not_stay_under_way(scanner: Scanner) -> None:
    job = upload(ONE)
    LearningMail.objects.all().delete()
    learn_some(scanner=scanner, seconds=1)
    assert counts(job)[0] == "under way"

    LearningJob.objects.update(touched_at=job.touched_at - timedelta(hours=1))
    learn_some(scanner=scanner, seconds=1)
    assert counts(job)[0] == "stopped"


def letter(text: str) -> bytes:
    return (
        f"Message-ID: <{os.urandom(8).hex()}@example.org>\r\nSubject: Lunch\r\n\r\n"
        f"Shall we meet at noon at the corner {os.urandom(8).hex()}, {text}?\r\n"
    ).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.eml").write_bytes(letter("as always"))
    box = b"From x\n" + b"\nFrom x\n".join(letter(t).replace(b"\r", b"") for t in ("or not", "Ada"))
    (folder / "box").write_bytes(box)
    return folder


def test_the_real_spamd_learns_forgets_and_relearns(run: Callable[..., Any], folder: Path) -> None:
    """spamd says what was new to it; the command counts it, in contract's words."""

    def learn(kind: str) -> dict[str, int]:
        document: dict[str, int] = run("learn", kind, str(folder), "--json").document
        return document

    assert learn("spam") == {"learned": 3, "known_before": 0, "failed": 0}
    assert learn("spam") == {"learned": 0, "known_before": 3, "failed": 0}
    assert learn("ham") == {"learned": 3, "known_before": 0, "failed": 0}
    assert learn("forget") == {"forgotten": 3, "not_known": 0, "failed": 0}
    assert learn("forget") == {"forgotten": 0, "not_known": 3, "failed": 0}
    assert learn("ham") == {"learned": 3, "known_before": 0, "failed": 0}
