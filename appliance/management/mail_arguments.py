"""The arguments by which commands find mail: filters, and a time as people write it."""

from argparse import ArgumentTypeError, Namespace
from datetime import datetime

from django.core.management.base import CommandParser

from quarantine.search import Filters, parse_since


def add_filters(parser: CommandParser) -> None:
    parser.add_argument("--recipient", default="", metavar="ADDRESS", help="exact, but for case")
    parser.add_argument(
        "--sender", metavar="ADDRESS", help="exact, but for case; <> or '' is the null sender"
    )
    parser.add_argument(
        "--since", type=since, metavar="TIME", help="2026-03-01T12:00:00Z, or ago: 15m, 2h, 7d"
    )
    parser.add_argument("--mail-id", default="", metavar="MAIL_ID")
    parser.add_argument("--limit", type=limit, default=1000, help="entries at most, default 1000")


def filters_of(options: Namespace) -> Filters:
    return Filters(
        recipient=options.recipient,
        sender="<>" if options.sender == "" else options.sender or "",
        since=options.since,
        mail_id=options.mail_id,
    )


def since(text: str) -> datetime:
    """Return the time that `text` names, RFC 3339 or so long ago.  For argparse."""
    try:
        return parse_since(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError("write a whole number, 1 to 100000")
    return int(text)
