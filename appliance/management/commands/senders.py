"""`manage.py senders`: who is allowed, blocked or scored as a sender, and for whom."""

from argparse import ArgumentTypeError, Namespace
from datetime import UTC, datetime

from appliance.domains.names import printed_key
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.policies import senders
from appliance.policies.models import SenderRule


class Command(SubjectCommand):
    help = "Allow, block or score senders for the recipients under a lookup key."

    def subcommands(self, add: Add) -> None:
        parser = add("list", self.list_rules, "the list under KEY, or all lists")
        parser.add_argument("key", metavar="KEY", nargs="?")
        parser = add("add", self.add, "list SENDER under KEY; an earlier entry is replaced")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("sender", metavar="SENDER", help="an address, a domain, or <>")
        parser.add_argument("action", metavar="allow|block|POINTS")
        parser.add_argument("--expires", metavar="TIME", type=_time, help="RFC 3339 or YYYY-MM-DD")
        parser.add_argument(
            "--authenticated",
            action="store_true",
            help="only where DKIM or SPF proves SENDER's domain; without it a forged SENDER counts",
        )
        parser = add("remove", self.remove, "take SENDER off the list under KEY")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("sender", metavar="SENDER")

    def list_rules(self, options: Namespace) -> Answer:
        rules = SenderRule.objects.all()
        if options.key:
            rules = rules.filter(key=printed_key(options.key))
        return _answer(list(rules))

    def add(self, options: Namespace) -> Answer:
        rule = senders.add_sender(
            key=options.key,
            sender=options.sender,
            action=options.action,
            expires_at=options.expires,
            authenticated=options.authenticated,
            actor=ACTOR,
        )
        return Answer(senders.as_json(rule), [_told(rule)])

    def remove(self, options: Namespace) -> Answer:
        senders.remove_sender(key=options.key, sender=options.sender, actor=ACTOR)
        return Answer({}, ["removed"])


def _answer(rules: list[SenderRule]) -> Answer:
    rows = [
        (rule.key, rule.sender or "<>", _effect(rule), rule.expires_at, _hits(rule), rule.source)
        for rule in rules
    ]
    return Answer([senders.as_json(rule) for rule in rules], table(rows))


def _told(rule: SenderRule) -> str:
    return f"{rule.key}: {rule.sender or '<>'} {_effect(rule)}"


def _effect(rule: SenderRule) -> str:
    scored = rule.action == SenderRule.Action.SCORE
    effect = f"{rule.points:+g}" if scored else rule.action
    return f"{effect} if proven" if rule.authenticated else effect


def _hits(rule: SenderRule) -> str:
    return f"{rule.hits} hits, last {rule.last_hit_at:%Y-%m-%d}" if rule.last_hit_at else "0 hits"


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no time: write 2030-01-31T12:00:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
