"""The tables of the journal, for tests whose rows are not rolled back."""

JOURNAL = (
    "quarantine_mail, quarantine_recipient, quarantine_body_chunk, quarantine_attempt,"
    " quarantine_retry_key, quarantine_release, quarantine_event,"
    " quarantine_notice, quarantine_seen_virus"
)
