"""The main menu: what a person may open, in the order in which it is needed."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from appliance.accounts.access import Verb, may


@dataclass(frozen=True, slots=True)
class Entry:
    """`verbs`: any of them opens the page; none means that everybody may."""

    label: str
    url_name: str
    icon: str
    verbs: tuple[Verb, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    label: str
    url: str
    icon: str
    current: bool


MENU = (
    Entry("Overview", "overview", "layout-dashboard"),
    Entry("Quarantine", "quarantine", "archive", (Verb.LIST_MAIL,)),
    Entry("Messages", "mails", "mail", (Verb.LIST_MAIL,)),
    Entry("Policies", "policies", "sliders-horizontal", (Verb.SEE_POLICY,)),
    Entry("Senders", "senders", "contact", (Verb.SEE_POLICY, Verb.EDIT_LISTS)),
    Entry("Domains", "domains", "globe", (Verb.SEE_DOMAINS,)),
    Entry("Notices", "notices", "megaphone", (Verb.SEE_POLICY,)),
    Entry("Networks", "networks", "network", (Verb.SEE_POLICY,)),
    Entry("Engines", "engines", "scan-search", (Verb.SEE_SYSTEM,)),
    Entry("Settings", "site_settings", "settings", (Verb.SEE_SYSTEM,)),
    Entry("Changes", "revisions", "history", (Verb.SEE_POLICY,)),
    Entry("Accounts", "accounts", "users", (Verb.MANAGE_USERS,)),
)


def items_for(request: HttpRequest) -> list[Item]:
    """Return the menu of the person who asks; the page that is open is marked."""
    return [
        Item(entry.label, url, entry.icon, _is_current(url, request.path))
        for entry in MENU
        if not entry.verbs or any(may(request.user, verb) for verb in entry.verbs)
        for url in [reverse(entry.url_name)]
    ]


def _is_current(url: str, path: str) -> bool:
    return path == url if url == "/" else path.startswith(url)
