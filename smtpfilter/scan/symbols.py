"""Reading what Rspamd answers to /checkv2: its symbols become rules (S-10).

The score is that of the symbols, to three decimals.  Where Rspamd's own score is another one, since
a module forced the result, the difference is a rule as well, so that no point is lost; and a rule
without points tells what Rspamd would have done.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from smtpfilter.mail.findings import Rule, SpamReport, visible
from smtpfilter.ports.engines import ScannerFailed
from smtpfilter.scan.report import LONGEST_DESCRIPTION, MOST_RULES, total, within_reason

NAME = "rspamd"
ACTION, OTHER = "RSPAMD_ACTION", "RSPAMD_OTHER"
LONGEST_SYMBOL = 100
LONGEST_ACTION = 40
MOST_OPTIONS = 10

_NO_NAME = re.compile(r"[^A-Za-z0-9_.:-]")  # what would end a test's name in X-Spam-Status
_LARGEST = 1e9  # no number in a sane answer is larger
_SMALLEST = 0.0005  # of a difference: what rounding makes is none

Document = Mapping[str, Any]


def parse_scan(body: bytes) -> SpamReport:
    """Return score and rules.  Raises ScannerFailed on anything that is no sane answer (B5)."""
    document = _object(_read(body))
    score = _number(document.get("score"))
    symbols = _object(document.get("symbols"))
    if len(symbols) > MOST_RULES:
        raise ScannerFailed("Rspamd's answer has too many symbols")
    rules = [_rule(name, _object(symbol)) for name, symbol in symbols.items()]
    rules += _other(score, rules)
    rules.append(Rule(ACTION, 0.0, _action(document, score)))
    return SpamReport(score=total(rules), rules=tuple(rules), engine=NAME)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ScannerFailed("Rspamd's answer is no JSON") from error


def _refuse(name: str) -> float:
    raise ValueError(name)


def _object(value: Any) -> Document:
    if not isinstance(value, dict):
        raise ScannerFailed("Rspamd's answer has no score, or no symbols")
    return value


def _number(value: Any) -> float:
    sane = isinstance(value, int | float) and not isinstance(value, bool)
    if not sane or not abs(value) <= _LARGEST:
        raise ScannerFailed("Rspamd's answer has something else in the place of points")
    return float(value)


def _rule(name: str, symbol: Document) -> Rule:
    points = round(_number(symbol.get("score")), 3)
    return Rule(
        _NO_NAME.sub("_", name[:LONGEST_SYMBOL]) or "_",
        within_reason(points),
        _description(symbol),
    )


def _description(symbol: Document) -> str:
    """Return what the symbol says, and what it says it about: words of the mail."""
    text, options = symbol.get("description"), symbol.get("options")
    words = [text] if isinstance(text, str) else []
    if isinstance(options, list):
        named = [option for option in options[:MOST_OPTIONS] if isinstance(option, str)]
        words += [f"[{', '.join(named)}]"] if named else []
    return visible(" ".join(" ".join(words).split()), LONGEST_DESCRIPTION)


def _other(score: float, rules: list[Rule]) -> Iterator[Rule]:
    """Yield a rule for what Rspamd's score has beyond its symbols."""
    difference = within_reason(score) - math.fsum(rule.points for rule in rules)
    if abs(difference) >= _SMALLEST * (1 + len(rules)):
        yield Rule(OTHER, round(difference, 3), "Points that Rspamd gives beyond its symbols")


def _action(document: Document, score: float) -> str:
    action, required = document.get("action"), document.get("required_score")
    said = visible(action, LONGEST_ACTION) if isinstance(action, str) else "no action named"
    limit = f" of {_number(required):g}" if required is not None else ""
    skipped = ", checks skipped" if document.get("is_skipped") is True else ""
    return f"Rspamd's own count: {score:g}{limit} points, {said}{skipped}"
