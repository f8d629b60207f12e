"""The octets of held mail: into Postgres and out of it, 256 KiB at a time."""

import hashlib
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper

from quarantine.models.body import PIECE_BYTES
from quarantine.models.mail import MailRecord
from smtpfilter.mail.octets import Octets


class BodyDamaged(Exception):
    """What is stored is not what was received: pieces are missing or the SHA-256 differs."""


def write_octets(cursor: CursorWrapper, mail_number: int, octets: Octets) -> None:
    """Store the octets, once per message whatever the number of attempts."""
    for number, start in enumerate(range(0, max(len(octets), 1), PIECE_BYTES)):
        cursor.execute(
            "INSERT INTO quarantine_body_chunk (mail_id, number, octets) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [mail_number, number, octets[start : start + PIECE_BYTES]],
        )
        if cursor.rowcount == 0:
            return  # an earlier attempt stored them all


def read_pieces(mail_number: int) -> Iterator[bytes]:
    """Yield the stored octets piece by piece; nothing where none are kept."""
    number = 0
    while (piece := _read_piece(mail_number, number)) is not None:
        yield piece
        number += 1


@contextmanager
def stored_octets(mail: MailRecord) -> Iterator[Octets]:
    """Give the octets as received, through a memory map.  Raises BodyDamaged."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as file:
        for piece in read_pieces(mail.id):
            digest.update(piece)
            file.write(piece)
        file.flush()
        if digest.hexdigest() != mail.sha256:
            raise BodyDamaged(f"the octets of {mail.mail_id} are not those received")
        if file.tell() == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as octets:
            yield octets


def _read_piece(mail_number: int, number: int) -> bytes | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT octets FROM quarantine_body_chunk WHERE mail_id = %s AND number = %s",
            [mail_number, number],
        )
        row = cursor.fetchone()
    return None if row is None else bytes(row[0])
