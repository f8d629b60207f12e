"""The kinds of notices that there are, and the texts that come with Postern for each.

A text is a file, templates/notices/LANGUAGE/KIND.txt: the subject, an empty line, the body.
"""

from functools import cache
from pathlib import Path

from smtpfilter.verdict.texts import Template

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "notices"
ENGLISH = "en"

TO_SENDERS = {
    "failure": "the next hop, or the filter for another reason, refused mail",
    "virus": "infected mail was refused or bounced",
    "banned": "mail with a banned file was refused or bounced",
    "spam": "spam was refused or bounced",
    "bad_header": "mail with a bad header section was refused or bounced",
    "unchecked": "mail that could not be looked into was refused or bounced",
    "oversized": "mail over a recipient's size limit was refused or bounced",
    "success": "mail was handed on, and its sender asked to be told",
    "held": "mail was stopped and is kept",
    "discarded": "mail was stopped and is not kept",
    "mixed": "several of these at once, for several recipients",
}
TO_ADMINISTRATORS = {
    "virus_admin": "infected mail",
    "newvirus_admin": "a virus that was never seen here before",
    "banned_admin": "mail with a banned file",
    "spam_admin": "spam",
    "bad_header_admin": "mail with a bad header section",
    "unchecked_admin": "mail that could not be looked into",
}
TO_RECIPIENTS = {
    "warnvirusrecip": "a virus in mail to him",
    "warnbannedrecip": "a banned file in mail to him",
    "warnbadhrecip": "a bad header section in mail to him",
}
SUMMARY = "summary"

KINDS = {
    **{kind: f"to the sender: {when}" for kind, when in TO_SENDERS.items()},
    **{kind: f"to an administrator: {what}" for kind, what in TO_ADMINISTRATORS.items()},
    **{kind: f"to the recipient: {what}" for kind, what in TO_RECIPIENTS.items()},
    SUMMARY: "in place of many notices of one kind to one address: how many, and the first",
}
"""Each kind, and when it is written."""


@cache
def languages() -> tuple[str, ...]:
    """Return the languages whose texts are shipped."""
    return tuple(sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()))


@cache
def shipped(kind: str, language: str) -> Template:
    """Return the shipped text; of a language that is not shipped, the English one."""
    primary = language.lower().partition("-")[0]  # de of de-at
    folder = primary if primary in languages() else ENGLISH
    return parse((FOLDER / folder / f"{kind}.txt").read_text(encoding="utf-8"))


def parse(text: str) -> Template:
    """Return the template in a text as it stands in a file."""
    subject, _, body = text.replace("\r\n", "\n").lstrip("\n").partition("\n")
    return Template(subject.strip(), body.lstrip("\n"))
