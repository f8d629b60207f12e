"""How a field of PolicySettings is made: its kind, its group on the form, its help, and the parser
of what people write for it.
"""

from dataclasses import field
from typing import Any, Literal

from smtpfilter.policy import values
from smtpfilter.policy.values import Parser

Kind = Literal["flag", "level", "points", "destiny", "text", "bytes"]


def setting(kind: Kind, group: str, help_text: str, parse: Parser | None = None) -> Any:
    """Return a field; `parse` reads what a person writes for it, where its kind does not say."""
    parse = parse or values.BY_KIND[kind]
    return field(
        default=None, metadata={"kind": kind, "group": group, "help": help_text, "parse": parse}
    )


def destiny(what: str) -> Any:
    return setting("destiny", "destinies", f"What happens to {what}.")


def copy(what: str) -> Any:
    return setting(
        "text",
        "copies",
        f"Where a copy of {what} is kept: `quarantine`, or empty to keep nothing.",
        values.copy_place,
    )


def extension(what: str) -> Any:
    return setting(
        "text",
        "filing",
        f"Address extension under which delivered {what} is filed, as in user+extension@domain;"
        " empty for none.",
        values.extension,
    )


def admin(what: str) -> Any:
    return setting(
        "text",
        "notices",
        f"Who is told about {what}: addresses by comma, or empty.",
        values.admins,
    )


def tag(help_text: str) -> Any:
    return setting("text", "subject", help_text, values.subject_tag)


def warning(what: str) -> Any:
    return setting("flag", "notices", f"Tell the recipient about {what} sent to him.")


def points(when: str) -> Any:
    return setting("points", "authenticity", f"Points added to the score {when}.")
