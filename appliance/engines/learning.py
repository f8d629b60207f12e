"""Bulk learning: Bayes is shown much mail as spam, as wanted mail, or to be forgotten.

A job counts what came of each mail.  Uploaded mail stands in Postgres until it is learnt, so that
any worker can go on where another ended; a command reads its files by itself.  Every step may come
twice: the scanner knows what it has learnt, and says so.  Mail that was learnt as the one is
relearnt as the other without being forgotten first: SpamAssassin sees to that.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

from django.db import transaction
from django.db.models import F

from appliance.engines.learning_models import LearningJob, LearningMail
from appliance.engines.stored_mail import mails_in, mails_of
from appliance.errors import Already, Refused, Unknown
from appliance.policies.revisions import record
from smtpfilter.config import FilterConfig
from smtpfilter.mail.findings import visible
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.sample import sample
from smtpfilter.scan.spamd import Kind, Spamd

UPLOAD_BYTES = 64 * 1024 * 1024
UPLOAD_MAILS = 20_000
ATTEMPTS = 3  # at a mail on which the scanner fails while it answers otherwise
KEPT = timedelta(days=90)  # how long a finished job is shown
SILENT = timedelta(minutes=15)  # a command that was not heard of for so long has died

_BATCH = 20  # rows for one INSERT: a few megabytes

Result = Literal["learnt", "known", "failed"]


class Teachable(Protocol):
    """The spam scanner; both raise ScannerFailed."""

    def learn(self, octets: bytes, kind: Kind) -> bool: ...
    def ping(self) -> None: ...


def configured_scanner() -> Spamd:
    """Return the spam scanner that learns.  Raises Refused where there is none."""
    endpoint = FilterConfig.from_environment().spamd
    if endpoint is None:
        raise Refused("no spam scanner is configured (FILTER_SPAMD)")
    return Spamd(endpoint)


@transaction.atomic
def start_upload(*, kind: Kind, source: str, file: BinaryIO, actor: str) -> LearningJob:
    """Store the mail in `file`, a message or an mbox, for the workers to learn.  Raises Refused."""
    job = _start(kind, source, actor)
    for batch in _batches(_bounded(mails_of(file))):
        rows = [LearningMail(job=job, octets=sample(octets).octets) for octets in batch]
        LearningMail.objects.bulk_create(rows)
        job.total += len(rows)
    return _counted(job)


def learn_files(
    *, kind: Kind, paths: Sequence[Path], actor: str, scanner: Teachable
) -> LearningJob:
    """Learn the mail in files, mboxes, folders and Maildirs now.

    Raises Refused where one cannot be read, before anything is learnt; and where the scanner does
    not answer, with what was learnt until then learnt.
    """
    total = sum(1 for _ in _mails_of_all(paths))
    job = _start(kind, ", ".join(map(str, paths)), actor)
    job.total = total
    _counted(job)
    try:
        for octets in islice(_mails_of_all(paths), total):
            _count(job, _taught(scanner, octets, kind))
    except (Refused, ScannerFailed) as error:
        LearningJob.objects.filter(pk=job.pk).update(detail=visible(str(error), 500))
        raise Refused(f"learning stopped: {error}") from None
    finally:
        _end(job.pk, LearningJob.State.STOPPED)
        job.refresh_from_db()
    return job


def learn_some(
    *, scanner: Teachable, seconds: float, clock: Callable[[], float] = time.monotonic
) -> int:
    """Learn uploaded mail for about so long; return how many were looked at.

    Several workers at once share the work.  While the scanner does not answer the mail waits.
    """
    _give_up_silent()
    end, looked_at = clock() + seconds, 0
    while clock() < end and _learn_one(scanner):
        looked_at += 1
    return looked_at


@transaction.atomic
def stop_job(*, job_id: int, actor: str) -> None:
    """Learn no more of it; what was learnt stays learnt.  Raises Unknown, Already."""
    job = LearningJob.objects.filter(pk=job_id).first()
    if job is None:
        raise Unknown("there is no such job")
    if not _end(job.pk, LearningJob.State.STOPPED):
        raise Already(f"learning {job} is over")
    waiting = job.mails.select_for_update(skip_locked=True).values_list("pk", flat=True)
    LearningMail.objects.filter(pk__in=list(waiting)).delete()  # one may be with a worker
    record(who=actor, verb="learn stop", key=job.source, before=None, after=None)


def _start(kind: Kind, source: str, actor: str) -> LearningJob:
    now = datetime.now(UTC)
    over = LearningJob.objects.exclude(state=LearningJob.State.UNDER_WAY)
    over.filter(started_at__lt=now - KEPT).delete()
    return LearningJob.objects.create(
        kind=kind,
        source=visible(source, 500),
        actor=visible(actor, 254),
        started_at=now,
        touched_at=now,
    )


def _counted(job: LearningJob) -> LearningJob:
    """Write how much mail there is, and record that it will be learnt.  Raises Refused for none."""
    if not job.total:
        job.delete()
        raise Refused(f"there is no mail in {job.source}")
    job.save(update_fields=["total"])
    after = {"mails": job.total}
    record(who=job.actor, verb=f"learn {job.kind}", key=job.source, before=None, after=after)
    return job


def _mails_of_all(paths: Iterable[Path]) -> Iterator[bytes]:
    return chain.from_iterable(map(mails_in, paths))


def _batches(mails: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(mails, _BATCH)):
        yield batch


def _bounded(mails: Iterator[bytes]) -> Iterator[bytes]:
    for number, octets in enumerate(mails):
        if number >= UPLOAD_MAILS:
            raise Refused(f"there are more than {UPLOAD_MAILS:,} mails in it: divide it")
        yield octets


def _learn_one(scanner: Teachable) -> bool:
    """Show one mail and count it, in one transaction; False where there is none, or no scanner."""
    with transaction.atomic():
        waiting = LearningMail.objects.select_related("job").select_for_update(
            skip_locked=True, of=("self",)
        )
        mail = waiting.filter(job__state=LearningJob.State.UNDER_WAY).first()
        if mail is None:
            return False
        job = mail.job
        try:
            result = _taught(scanner, bytes(mail.octets), _kind(job))
        except ScannerFailed as failure:
            detail = visible(f"the spam scanner does not answer: {failure}", 500)
            LearningJob.objects.filter(pk=job.pk).update(detail=detail)
            return False
        if result == "failed" and mail.attempts + 1 < ATTEMPTS:
            mail.attempts += 1
            mail.save(update_fields=["attempts"])
        else:
            mail.delete()
            _count(job, result)
        return True


def _kind(job: LearningJob) -> Kind:
    kinds: dict[str, Kind] = {"spam": "spam", "ham": "ham", "forget": "forget"}
    return kinds[job.kind]


def _taught(scanner: Teachable, octets: bytes, kind: Kind) -> Result:
    """Show a mail to the scanner.  Raises ScannerFailed where it is the scanner that fails."""
    try:
        return "learnt" if scanner.learn(octets, kind) else "known"
    except ScannerFailed:
        scanner.ping()
        return "failed"


def _count(job: LearningJob, result: Result) -> None:
    """Count one mail; the row's lock lets only the last one see that all is done."""
    rows = LearningJob.objects.filter(pk=job.pk)
    rows.update(**{result: F(result) + 1, "touched_at": datetime.now(UTC), "detail": ""})
    if rows.filter(total=F("learnt") + F("known") + F("failed")).exists():
        _end(job.pk, LearningJob.State.DONE)


def _end(job_id: int, state: str) -> bool:
    """Give a job that is under way its last state; tell whether it was."""
    under_way = LearningJob.objects.filter(pk=job_id, state=LearningJob.State.UNDER_WAY)
    return bool(under_way.update(state=state))


def _give_up_silent() -> None:
    """End the jobs of commands that died: there is no stored mail with which to go on."""
    LearningJob.objects.filter(
        state=LearningJob.State.UNDER_WAY,
        mails__isnull=True,
        touched_at__lt=datetime.now(UTC) - SILENT,
    ).update(state=LearningJob.State.STOPPED, detail="the command ended early: start it again")
