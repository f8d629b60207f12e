"""`manage.py profiles`: settings for mail that came a certain way, such as outbound mail."""

from argparse import ArgumentTypeError, Namespace
from typing import Any

from django.core.management.base import CommandParser

from appliance.management.command import ACTOR, Add, Answer, SubjectCommand
from appliance.management.settings_arguments import assignment, setting_lines
from appliance.policies import profiles
from appliance.policies.models import Profile


class Command(SubjectCommand):
    help = (
        "Direction profiles: their settings go before all layers, for mail from a network (see"
        " networks add --profile), by a listening port, or from senders who logged in."
    )

    def subcommands(self, add: Add) -> None:
        add("list", self.list_profiles, "all profiles")
        add("show", self.show, "what NAME sets, and for which mail").add_argument(
            "name", metavar="NAME"
        )
        _add_set(add("set", self.set, "set fields of NAME, made if missing"))
        parser = add("unset", self.unset, "inherit fields of NAME again")
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("fields", metavar="FIELD", nargs="+")
        parser = add("remove", self.remove, "remove NAME, if no network names it")
        parser.add_argument("name", metavar="NAME")

    def list_profiles(self, options: Namespace) -> Answer:
        shown = [profiles.as_json(profile) or {} for profile in Profile.objects.all()]
        return Answer(shown, [line for profile in shown for line in _lines(profile)])

    def show(self, options: Namespace) -> Answer:
        return _shown(profiles.find_profile(options.name))

    def set(self, options: Namespace) -> Answer:
        ports = options.port and [port for port in options.port if port is not None]
        profile = profiles.change_profile(
            name=options.name,
            values=dict(map(assignment, options.assignments)),
            ports=ports,
            authenticated=options.authenticated,
            originating=options.originating,
            actor=ACTOR,
        )
        return _shown(profile)

    def unset(self, options: Namespace) -> Answer:
        name = profiles.find_profile(options.name).name
        values = dict.fromkeys(options.fields)
        return _shown(profiles.change_profile(name=name, values=values, actor=ACTOR))

    def remove(self, options: Namespace) -> Answer:
        profiles.remove_profile(name=options.name, actor=ACTOR)
        return Answer({}, ["removed"])


def _add_set(parser: CommandParser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("assignments", metavar="FIELD=VALUE", nargs="*")
    parser.add_argument(
        "--port",
        metavar="N|none",
        type=_port,
        action="append",
        help="for mail that came in by this listening port; repeat it for several",
    )
    parser.add_argument(
        "--authenticated", metavar="yes|no", type=_flag, help="for mail of senders who logged in"
    )
    parser.add_argument(
        "--originating", metavar="yes|no", type=_flag, help="such mail counts as the site's own"
    )


def _port(text: str) -> int | None:
    """Return the number, None for "none".  For argparse."""
    if text != "none" and not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"{text!r} is no port: write 1 to 65535, or none")
    return None if text == "none" else int(text)


def _flag(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ArgumentTypeError("write yes or no")
    return text == "yes"


def _shown(profile: Profile) -> Answer:
    document = profiles.as_json(profile) or {}
    return Answer(document, _lines(document))


def _lines(profile: dict[str, Any]) -> list[str]:
    lines = [profile["name"]]
    lines += [f"  for mail that came in by port {port}" for port in profile["ports"]]
    lines += ["  for mail of senders who logged in"] * profile["authenticated"]
    lines += ["  such mail counts as the site's own"] * profile["originating"]
    return lines + setting_lines(profile["settings"])
