"""`manage.py preferences`: SpamAssassin's preferences by name (S-1)."""

from argparse import Namespace

from appliance.engines import preferences
from appliance.engines.models import Preference
from appliance.engines.preference_keys import KEYS
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table


class Command(SubjectCommand):
    help = (
        "SpamAssassin's preferences of a name; a policy says with sa_username whose count, where"
        " sa_userconf is sql:."
    )

    def subcommands(self, add: Add) -> None:
        parser = add("list", self.list_preferences, "all names, or the preferences of one")
        parser.add_argument("name", metavar="NAME", nargs="?", default="")
        add("keys", self.keys, "the preferences that there are")
        parser = add("set", self.set, "set a preference of a name")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("value", metavar="VALUE")
        parser = add("unset", self.unset, "remove a preference; without VALUE all of that key")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("key", metavar="KEY")
        parser.add_argument("value", metavar="VALUE", nargs="?", default="")

    def list_preferences(self, options: Namespace) -> Answer:
        rows = Preference.objects.all()
        if options.name:
            rows = rows.filter(username=preferences.parse_name(options.name))
        return _answer(list(rows))

    def keys(self, options: Namespace) -> Answer:
        document = [{"key": key.name, "value": key.form, "help": key.help} for key in KEYS.values()]
        return Answer(document, table([tuple(row.values()) for row in document]))

    def set(self, options: Namespace) -> Answer:
        row = preferences.set_preference(
            username=options.name, preference=options.key, value=options.value, actor=ACTOR
        )
        return _answer(preferences.of_name(row.username))

    def unset(self, options: Namespace) -> Answer:
        preferences.unset_preference(
            username=options.name, preference=options.key, value=options.value, actor=ACTOR
        )
        return _answer(preferences.of_name(preferences.parse_name(options.name)))


def _answer(rows: list[Preference]) -> Answer:
    lines = [(row.username, row.preference, row.value) for row in rows]
    return Answer(list(map(preferences.as_json, rows)), table(lines) if lines else [])
