"""The octets of held mail, exactly as received, in pieces.

They have a table of their own, so that lists never touch it.

The column is STORAGE EXTERNAL (not compressed): a piece is read and written without work beyond the
copy.
"""

from django.db import models

from quarantine.models.mail import MailRecord

PIECE_BYTES = 262144


class BodyChunk(models.Model):
    """Piece `number` (from 0) of one message, at most 256 KiB; one empty piece if it is empty."""

    pk = models.CompositePrimaryKey("mail_id", "number")
    mail = models.ForeignKey(
        MailRecord, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    number = models.IntegerField()
    octets = models.BinaryField()

    class Meta:
        db_table = "quarantine_body_chunk"

    def __str__(self) -> str:
        return f"piece {self.number} of {self.mail_id}"
