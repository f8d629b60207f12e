"""`manage.py settings`: site-wide settings that are no policy, and senders whose mail is traced."""

from argparse import Namespace

from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table
from appliance.status import edit
from appliance.status.models import SiteSettings, TracedSender


class Command(SubjectCommand):
    help = (
        "Settings of the whole site; trace tells every step of a sender's mail in the filter's log."
    )

    def subcommands(self, add: Add) -> None:
        add("list", self.list_settings, "all settings with their values")
        parser = add("set", self.set, "change a setting")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("value", metavar="VALUE")
        add("traced", self.traced, "the senders that are traced")
        parser = add("trace", self.trace, "tell every step of mail from SENDER, from now on")
        parser.add_argument("sender", metavar="SENDER", help="an address, a domain, or <>")
        parser = add("untrace", self.untrace, "log mail from SENDER as usual again")
        parser.add_argument("sender", metavar="SENDER")

    def list_settings(self, options: Namespace) -> Answer:
        return _answer(SiteSettings.load(), *edit.FIELDS)

    def set(self, options: Namespace) -> Answer:
        row = edit.set_setting(name=options.name, value=options.value, actor=ACTOR)
        return _answer(row, options.name)

    def traced(self, options: Namespace) -> Answer:
        senders = [str(trace) for trace in TracedSender.objects.all()]
        return Answer([{"sender": sender} for sender in senders], senders)

    def trace(self, options: Namespace) -> Answer:
        trace = edit.add_trace(sender=options.sender, actor=ACTOR)
        return Answer({"sender": str(trace)}, [f"tracing {trace}"])

    def untrace(self, options: Namespace) -> Answer:
        edit.remove_trace(sender=options.sender, actor=ACTOR)
        return Answer({}, ["removed"])


def _answer(row: SiteSettings, *names: str) -> Answer:
    """Tell these settings; programs get all of them, whatever was changed."""
    values = edit.as_json(row)
    told = [(name, values[name], edit.FIELDS[name].help_text) for name in names]
    return Answer(values, table(told))
