"""The pool of threads: it has all it needs from the start."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from smtpfilter.mail.envelope import Client, Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply
from smtpfilter.smtp.pool import Pool
from smtpfilter.smtp.spool import Spool
from smtpfilter.smtp.transaction import parse_mail

TAKEN = Reply(250, "2.0.0", "Ok")


class Taking:
    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        return (TAKEN,)

    def close(self) -> None:
        """Hold nothing open."""


def test_a_message_is_processed_though_no_further_thread_can_be_started_f24(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    spool = Spool(tmp_path, 1 << 20)
    pool = Pool(Taking(), threads=2, backlog=1)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    for _ in range(4):
        envelope = parse_mail(b"FROM:<a@example.org>").envelope(
            "", "LMTP", Client(), helo="", port=0
        )
        assert pool.submit(envelope, spool.open()).result(20) == (TAKEN,)
    spool.close()
