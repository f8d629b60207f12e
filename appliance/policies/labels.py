"""How policy settings are called and ordered on the screen; what they mean is PolicySettings' own
help text.
"""

import math
from typing import Any

from appliance.policies.columns import SettingColumns
from smtpfilter.policy.lookup import SITE
from smtpfilter.policy.settings import FIELDS, field_group

GROUPS = {
    "checks": (
        "Checks",
        "What is looked for, and what is delivered, marked, although it was found.",
    ),
    "levels": (
        "Spam levels",
        "SpamAssassin points from which something happens; a number, or never.",
    ),
    "destinies": ("What happens", "What becomes of mail that a check stops."),
    "copies": (
        "Kept copies",
        "With a copy, stopped mail is held and can be released; without one it is gone.",
    ),
    "subject": ("Marks", "What is put before the subject, and added to or taken from the header."),
    "authenticity": (
        "Proof of the sender",
        "What becomes of mail that its claimed domain disowns (SPF, DKIM and DMARC).",
    ),
    "filing": ("Filing and routes", "Under which address, and where, mail is delivered."),
    "notices": ("Notices", "Who is told what happened to mail."),
    "engine": ("Spam engine", "By whose preferences SpamAssassin scores."),
    "files": ("Files and size", "Rules for attachments, and how large a message may be."),
}

LABELS = {
    "bypass_virus_checks": "Skip the virus scan",
    "bypass_spam_checks": "Skip the spam score",
    "bypass_banned_checks": "Skip the search for banned files",
    "bypass_header_checks": "Skip the header checks",
    "virus_lover": "Deliver infected mail (virus lover)",
    "spam_lover": "Deliver spam (spam lover)",
    "banned_files_lover": "Deliver banned files (banned files lover)",
    "bad_header_lover": "Deliver bad headers (bad header lover)",
    "unchecked_lover": "Deliver unchecked mail (unchecked lover)",
    "spam_tag_level": "Show the score from (tag)",
    "spam_tag2_level": "Mark as spam from (tag2)",
    "spam_tag3_level": "Mark a third way from (tag3)",
    "spam_kill_level": "Stop as spam from (kill)",
    "spam_dsn_cutoff_level": "No notice to the sender from",
    "spam_crediblefrom_dsn_cutoff_level": "No notice to a proven sender from",
    "spam_notifyadmin_cutoff_level": "No notice to the administrator from",
    "spam_quarantine_cutoff_level": "No kept copy from",
    "virus_destiny": "Infected mail",
    "banned_destiny": "Banned files",
    "spam_destiny": "Spam",
    "bad_header_destiny": "Bad headers",
    "oversized_destiny": "Too large",
    "unchecked_destiny": "Unchecked mail",
    "unchecked_encrypted_destiny": "Unchecked: encrypted",
    "unchecked_limits_destiny": "Unchecked: over a limit",
    "unchecked_ambiguous_destiny": "Unchecked: ambiguous",
    "unchecked_undecodable_destiny": "Unchecked: broken",
    "scanner_failure_destiny": "No virus scanner answers",
    "spam_failure_destiny": "The spam engine does not answer",
    "dmarc_reject_destiny": "DMARC fails, domain asks to reject",
    "dmarc_quarantine_destiny": "DMARC fails, domain asks to quarantine",
    "spoofed_destiny": "A local domain, claimed from outside",
    "dmarc_reject_points": "Points: asks to reject",
    "dmarc_quarantine_points": "Points: asks to quarantine",
    "spoofed_points": "Points: claimed from outside",
    "virus_quarantine_to": "Copy of infected mail",
    "banned_quarantine_to": "Copy of banned files",
    "spam_quarantine_to": "Copy of spam",
    "bad_header_quarantine_to": "Copy of bad headers",
    "unchecked_quarantine_to": "Copy of unchecked mail",
    "clean_quarantine_to": "Copy of clean mail",
    "archive_quarantine_to": "Copy of every mail",
    "spam_subject_tag": "From the tag level on",
    "spam_subject_tag2": "From the tag2 level on",
    "spam_subject_tag3": "From the tag3 level on",
    "virus_subject_tag": "Infected mail that is delivered",
    "unchecked_subject_tag": "Unchecked mail that is delivered",
    "remove_existing_spam_headers": "Remove others’ X-Spam fields",
    "remove_existing_x_scanned_headers": "Remove others’ X-Virus-Scanned fields",
    "allowed_added_header_fields": "Header fields that may be added",
    "addr_extension_virus": "Extension for infected mail",
    "addr_extension_banned": "Extension for banned files",
    "addr_extension_spam": "Extension for spam",
    "addr_extension_bad_header": "Extension for bad headers",
    "forward_method": "Next hops",
    "warnvirusrecip": "Tell the recipient of infected mail",
    "warnbannedrecip": "Tell the recipient of banned files",
    "warnbadhrecip": "Tell the recipient of bad headers",
    "virus_admin": "Administrator for infected mail",
    "newvirus_admin": "Administrator for new viruses",
    "banned_admin": "Administrator for banned files",
    "spam_admin": "Administrator for spam",
    "bad_header_admin": "Administrator for bad headers",
    "unchecked_admin": "Administrator for unchecked mail",
    "viruses_that_fake_sender": "Viruses that fake their sender",
    "tell_credible_sender": "Tell our own senders of held mail",
    "notice_language": "Language of notices",
    "banned_rulenames": "Ban rule sets",
    "sa_username": "Preferences of",
    "sa_userconf": "Where preferences lie",
    "message_size_limit": "Largest message",
}
"""One for every field of PolicySettings; a test compares them."""

NAMED_WORDS = {
    "standard": "What a fresh site does: marked and held from 6.3 points on.",
    "careful": "For the first weeks: marked from 6.3 points on, held only from 10 on.",
    "strict": "Marked from 4 points on, held from 5 on; bad headers and unchecked mail are held.",
    "mark only": "Everything is checked, marked and delivered; only infected mail is stopped.",
    "not filtered": "Nothing is checked, not even for viruses: for mailboxes that collect spam.",
}
"""What the shipped named policies are for."""

DESTINY_WORDS = {
    "pass": "Deliver",
    "discard": "Hold, or discard without a copy",
    "bounce": "Return to the sender",
    "reject": "Reject",
    "tempfail": "Defer",
}


def points(value: float) -> str:
    """Return a score or level as people write it: at most three decimals, or "never"."""
    return "never" if math.isinf(value) else f"{value:.3f}".rstrip("0").rstrip(".")


def value_words(name: str, value: Any) -> str:
    """Return the value of the field `name` as the form words it, None for one that is not set."""
    if value is None:
        return "as inherited"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return points(value)
    if field_group(name) == "copies":
        return "Keep nothing" if value == "" else "Keep a copy"
    if FIELDS[name] == "bytes":
        return f"{value} octets" if value else "No limit of its own"
    if value == "":
        return "Nothing"
    return DESTINY_WORDS.get(value, str(value))


def worded_settings(row: SettingColumns) -> list[tuple[str, str]]:
    """Return (label, value) for what the row sets itself."""
    values = {name: getattr(row, name) for name in FIELDS}
    return [
        (LABELS[name], value_words(name, value))
        for name, value in values.items()
        if value is not None
    ]


def origin_words(origin: str) -> str:
    """Say where a value comes from: a lookup key, with its named policy, or the default."""
    if origin == "default":
        return "Postern’s default"
    return origin.replace(SITE, "the site", 1) if origin.startswith(SITE) else origin


def key_words(key: str) -> str:
    """Say for whom the settings at a lookup key count."""
    if key == SITE:
        return "Everybody on this site"
    if key.endswith("@"):
        return f"{key[:-1]} at every local domain"
    if "@" in key:
        return f"The mailbox {key}"
    if key.startswith("."):
        return f"{key[1:]} and all domains below it"
    return f"The domain {key}"
