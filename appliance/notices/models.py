"""The site's own words for notices; what has no row has the words that are shipped."""

from django.db import models

from smtpfilter.verdict.texts import LONGEST_SUBJECT

KIND_LIMIT = 40  # characters of the name of a kind
LANGUAGE_LIMIT = 10  # characters of a language tag such as de or pt-br


class NoticeTemplate(models.Model):
    """Subject and body of one kind of notice in one language, in the notation of texts.py."""

    kind = models.CharField(max_length=KIND_LIMIT)
    language = models.CharField(max_length=LANGUAGE_LIMIT)
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    body = models.TextField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("kind", "language")
        constraints = (
            models.UniqueConstraint(fields=("kind", "language"), name="one_template_per_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} ({self.language})"
