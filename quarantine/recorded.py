"""Reads recorded mail for a replay, the newest first, in one streaming query.

Of the findings only what decides leaves Postgres: words about rules and digests of parts are most
of them.
"""

from collections.abc import Generator

from django.db import connection, transaction
from django.db.models import BooleanField, Q, TextField
from django.db.models.expressions import RawSQL

from quarantine.models import RecipientRecord
from quarantine.replay_rows import Recorded
from smtpfilter.policy.lookup import SITE

# The texts of Evidence.  As a record, so that a row's findings are unpacked once.
_EVIDENCE = """(
    SELECT concat(
        jsonb_path_query_array(f.parts, '$[*].nodes'), E'\\x01',
        f.authentication, E'\\x01',
        f.viruses, E'\\x01',
        f.spam->>'score', E'\\x01', f.spam->>'preferences', E'\\x01', f.spam_for, E'\\x01',
        f.bad_headers, E'\\x01', f.unchecked, E'\\x01', f.scanner_failure, E'\\x01',
        f.spam_failure)
    FROM jsonb_to_record("quarantine_mail"."findings") AS f (
        parts jsonb, authentication text, viruses text, spam jsonb, spam_for text, bad_headers text,
        unchecked text, scanner_failure text, spam_failure text))"""

# Direction profiles show in where the settings came from.
_PROFILES = """(
    SELECT string_agg(substr(origin, 9), E'\\x01')
    FROM jsonb_object_keys("quarantine_recipient"."settings") AS origin
    WHERE origin LIKE 'profile %%')"""
_NO_PROFILES = "NULL"


def recorded(
    who: Q, key: str, *, since: int, before: int, profiles: bool
) -> Generator[Recorded, None, None]:
    """Yield the recipients of `who` for whom the layer at `key` counts, of messages whose numbers
    lie in [since, before).  `profiles`: the site has some.
    """
    rows = RecipientRecord.objects.filter(who, under(key), mail_id__gte=since, mail_id__lt=before)
    rows = rows.exclude(category="mta")  # mail in circles: nobody looked into it
    columns = rows.order_by("-mail_id", "position").values_list(
        "mail_id",
        "canonical",
        "mail__mail_from_canonical",
        "mail__header_from",
        "mail__size_bytes",
        "mail__originating",
        "destiny",
        "category",
        RawSQL("state IS NOT NULL", (), BooleanField()),
        RawSQL(_PROFILES if profiles else _NO_PROFILES, (), TextField()),  # noqa: S611 - a constant
        RawSQL(_EVIDENCE, (), TextField()),  # noqa: S611 - a constant
    )
    # Rows go by as they are: making the ORM's values of them takes as long as Postgres does.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(*columns.query.sql_with_params())
        yield from map(Recorded._make, cursor)


def under(key: str) -> Q:
    """Return the clause for recipients for whom a layer at the lookup key `key` counts."""
    if key == SITE:
        return Q()
    _, at, domain = key.rpartition("@")
    if at and domain:
        return Q(canonical=key) | Q(owner=key)
    if at:
        return Q(canonical__startswith=key) | Q(owner__startswith=key)
    if domain.startswith("."):
        return Q(domain=domain[1:]) | Q(domain__endswith=domain)
    return Q(domain=domain)
