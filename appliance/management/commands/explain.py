"""`manage.py explain RECIPIENT`: what would happen to a message, and why."""

from argparse import Namespace
from math import isfinite
from pathlib import Path

from django.core.management.base import CommandParser

from appliance.errors import Refused, Unknown
from appliance.management.command import Answer, AnswerCommand
from appliance.policies.explain import Explanation, address, client, explain, supposed
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
        parser.add_argument("--client", metavar="IP", default="", help="suppose it came from there")
        parser.add_argument(
            "--port", metavar="N", type=int, default=0, help="suppose it came in by this port"
        )
        parser.add_argument(
            "--authenticated", action="store_true", help="suppose that its sender logged in"
        )

    def answer(self, options: Namespace) -> Answer:
        document = _explanation(options).to_json()
        lines = [f"{document['destiny']}, as {document['category']}"]
        lines += [f"  {reason}" for reason in document["reasons"]]
        if document["let_through"]:
            lines += ["What would have let it through:"]
            lines += [f"  {remedy}" for remedy in document["let_through"]]
        lines += ["Settings:"]
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
    by = client(options.client, authenticated=options.authenticated)
    if not options.message:
        return explain(
            recipient=options.recipient,
            sender=options.sender,
            findings=supposed(score=options.score, viruses=options.virus, banned=options.banned),
            client=by,
            port=options.port,
        )
    if options.score is not None or options.virus or options.banned:
        raise Unknown(
            "--message looks into a real message: leave out --score, --virus and --banned"
        )
    to, mail_from = address(options.recipient), address(options.sender)
    try:
        octets = Path(options.message).read_bytes()
        config = FilterConfig.from_environment()
        return Explanation(judge_file(octets, to, mail_from, config, client=by, port=options.port))
    except OSError as error:
        raise Refused(f"cannot read {options.message}: {error.strerror}") from None
    except PolicyUnavailable:
        raise
    except FilterError as error:
        raise Refused(f"cannot look into the message: {error.detail}") from None
