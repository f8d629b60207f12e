"""The arguments by which commands find mail: filters, and a time as people write it."""

import re
from argparse import ArgumentTypeError, Namespace
from datetime import UTC, datetime, timedelta

from django.core.management.base import CommandParser
from django.utils.dateparse import parse_datetime

from quarantine.search import Filters

_AGO = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


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
    if match := _AGO.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        time = parse_datetime(text.upper())
    except ValueError:
        time = None
    if time is None:
        raise ArgumentTypeError(f"{text!r} is no time: write 2026-03-01T12:00:00Z, 15m, 2h or 7d")
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise ArgumentTypeError("write a whole number, 1 to 100000")
    return int(text)
