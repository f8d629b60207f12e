"""`manage.py explain RECIPIENT`: what would happen to a message, and why."""

from argparse import Namespace
from math import isfinite
from pathlib import Path

from django.core.management.base import CommandParser

from appliance.errors import Refused, Unknown
from appliance.management.command import Answer, AnswerCommand
from appliance.policies.explain import Explanation, address, explain, supposed
from appliance.policies.sections import as_text
from appliance.wiring import judge_file
from smtpfilter.config import FilterConfig
from smtpfilter.errors import FilterError, PolicyUnavailable


class Command(AnswerCommand):
    help = (
        "Say what would happen to a message for RECIPIENT, why, and where each setting comes from."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("recipient", metavar="RECIPIENT")
        parser.add_argument(
            "--sender", default="", help="envelope sender (default: the null sender)"
        )
        parser.add_argument(
            "--message", metavar="FILE", help="look into this message with the engines"
        )
        parser.add_argument("--score", type=_score, help="suppose this score")
        parser.add_argument(
            "--virus", metavar="NAME", action="append", default=[], help="suppose this virus"
        )
        parser.add_argument(
            "--banned", metavar="NAME", action="append", default=[], help="suppose this file"
        )

    def answer(self, options: Namespace) -> Answer:
        document = _explanation(options).to_json()
        lines = [f"{document['destiny']}, as {document['category']}"]
        lines += [f"  {reason}" for reason in document["reasons"]]
        lines += [
            f"  {name} = {as_text(setting['value'])}  ({setting['origin']})"
            for name, setting in document["settings"].items()
        ]
        return Answer(document, lines)


def _score(text: str) -> float:
    """Return the number; infinity and NaN are none that an engine gives.  Raises ValueError."""
    score = float(text)
    if not isfinite(score):
        raise ValueError(text)
    return score


def _explanation(options: Namespace) -> Explanation:
    if not options.message:
        findings = supposed(score=options.score, viruses=options.virus, banned=options.banned)
        return explain(recipient=options.recipient, sender=options.sender, findings=findings)
    if options.score is not None or options.virus or options.banned:
        raise Unknown(
            "--message looks into a real message: leave out --score, --virus and --banned"
        )
    to, mail_from = address(options.recipient), address(options.sender)
    try:
        octets = Path(options.message).read_bytes()
        return Explanation(judge_file(octets, to, mail_from, FilterConfig.from_environment()))
    except OSError as error:
        raise Refused(f"cannot read {options.message}: {error.strerror}") from None
    except PolicyUnavailable:
        raise
    except FilterError as error:
        raise Refused(f"cannot look into the message: {error.detail}") from None
