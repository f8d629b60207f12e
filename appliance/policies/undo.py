"""For each kind of change that can be taken back: who may, what stands there now, and the verb that
brings the old row about again.

Rows are JSON as the change holds them, with settings beside the other fields; None where there is
none.  Everything here goes through the same verbs as a screen, which check and record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.accounts.access import Verb
from appliance.domains import edit as domains
from appliance.domains.models import Domain, Mailbox, Network
from appliance.engines import preferences, virus_names
from appliance.engines.models import Preference
from appliance.notices import edit as notices
from appliance.notices.models import NoticeTemplate
from appliance.policies import banrules, edit, kinds, layers, named, profiles, senders
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyChange, Profile, SenderRule
from appliance.policies.revisions import flat
from appliance.policies.sections import as_text
from appliance.status import edit as status
from appliance.status.models import SiteSettings, TracedSender
from smtpfilter.policy.settings import FIELDS
from smtpfilter.policy.site import NamePoints
from smtpfilter.verdict.texts import Template

Row = dict[str, Any]
Make = Callable[[PolicyChange, Row | None, str], object]
"""Called with the change, the row that shall be (None for none) and the person who asks."""


@dataclass(frozen=True, slots=True)
class Undo:
    """`key`: the field that only repeats the change's key.  `gapless`: where there is no row it is
    an empty one, as of a layer that says nothing.
    """

    may: Verb
    now: Callable[[PolicyChange], Row | None]
    make: Make
    key: str = ""
    gapless: bool = False


def undo_of(change: PolicyChange) -> Undo | None:
    """Return how the change is taken back, None where it is of a kind that cannot be."""
    if change.before is None and change.after is None:
        return None
    kind = kinds.kind_of(change)
    return _UNDO.get(kind) if kind and change.verb not in _FINAL else None


def row_of(change: PolicyChange, document: Mapping[str, Any] | None) -> Row | None:
    """Return `before`, `after` or what stands there now as a row, without what repeats the key; an
    import names settings one by one.
    """
    if document is None:
        return None
    if change.verb == "import settings":
        return {document["name"]: document["value"]}
    undo = undo_of(change)
    repeated = undo.key if undo else ""
    rest = {name: value for name, value in flat(document).items() if name != repeated}
    return {name: value for name, value in rest.items() if (name, value) != ("locked", [])}


def _changed_settings(now: Row | None, wanted: Row) -> dict[str, str | None]:
    """Return field -> what a person would write, for the settings that are to change."""
    now = now or {}
    return {
        name: None if wanted.get(name) is None else as_text(wanted[name])
        for name in FIELDS
        if now.get(name) != wanted.get(name)
    }


def _layer(change: PolicyChange) -> Row | None:
    found = edit.as_json(edit.find_layer(change.key))
    return row_of(change, found)


def _make_layer(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    wanted, now = wanted or {}, _layer(change) or {}
    edit.change_fields(
        key=change.key,
        values=_changed_settings(now, wanted),
        locked=wanted.get("locked", []),
        policy=wanted.get("policy", ""),
        actor=actor,
    )
    if now.get("priority") != wanted.get("priority"):
        layers.set_priority(key=change.key, priority=wanted.get("priority"), actor=actor)


def _make_named(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    if wanted is None:
        named.remove_named(name=change.key, actor=actor)
    else:
        values = _changed_settings(_named(change), wanted)
        named.change_named(name=change.key, values=values, actor=actor)


def _named(change: PolicyChange) -> Row | None:
    return row_of(change, named.as_json(NamedPolicy.objects.filter(name=change.key).first()))


def _profile(change: PolicyChange) -> Row | None:
    return row_of(change, profiles.as_json(Profile.objects.filter(name=change.key).first()))


def _make_profile(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    if wanted is None:
        profiles.remove_profile(name=change.key, actor=actor)
    else:
        profiles.change_profile(
            name=change.key,
            values=_changed_settings(_profile(change), wanted),
            ports=wanted.get("ports", []),
            authenticated=wanted.get("authenticated", False),
            originating=wanted.get("originating", False),
            actor=actor,
        )


def _sender(change: PolicyChange) -> Row | None:
    said = change.before or change.after or {}
    rules = SenderRule.objects.filter(source="", key=said["key"])
    rule = rules.filter(sender="" if said["sender"] == "<>" else said["sender"]).first()
    return row_of(change, senders.stored(rule)) if rule else None


def _make_sender(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    said = wanted or change.after or {}
    place = {"key": said["key"], "sender": said["sender"] or "<>", "actor": actor}
    if wanted is None:
        senders.remove_sender(**place)
        return
    scored = wanted["action"] == SenderRule.Action.SCORE
    until = wanted.get("expires_at")
    senders.add_sender(
        **place,
        action=str(wanted["points"]) if scored else wanted["action"],
        expires_at=datetime.fromisoformat(until) if until else None,
        authenticated=wanted.get("authenticated", False),
    )


def _ban_rules(change: PolicyChange) -> Row | None:
    found = BanRuleSet.objects.filter(name=change.key).first()
    return {"rules": found.rules} if found else None


def _make_ban_rules(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    if wanted is None:
        banrules.remove_rules(name=change.key, actor=actor)
    else:
        banrules.set_rules(name=change.key, rules=wanted.get("rules", []), actor=actor)


def _network(change: PolicyChange) -> Row | None:
    found = Network.objects.filter(cidr=change.key).first()
    return {"profile": found.profile} if found else None


def _make_network(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    if wanted is None:
        domains.remove_network(cidr=change.key, actor=actor)
    else:
        domains.add_network(cidr=change.key, profile=wanted.get("profile", ""), actor=actor)


def _make_domain(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    verb = domains.remove_domain if wanted is None else domains.add_domain
    verb(name=change.key, actor=actor)


def _make_mailbox(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    verb = domains.remove_mailbox if wanted is None else domains.add_mailbox
    verb(address=change.key, actor=actor)


def _make_trace(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    verb = status.remove_trace if wanted is None else status.add_trace
    verb(sender=change.key, actor=actor)


def _settings(change: PolicyChange) -> Row:
    return status.as_json(SiteSettings.load())


def _make_settings(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    changed = row_of(change, change.before) or {}
    status.set_settings(values={name: (wanted or {})[name] for name in changed}, actor=actor)


def _virus_names(change: PolicyChange) -> Row | None:
    rules = list(map(virus_names.as_json, virus_names.own_rules()))
    return {"rules": rules} if rules else None


def _make_virus_names(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    rules = [NamePoints(**rule) for rule in (wanted or {}).get("rules", [])]
    virus_names.set_rules(rules=rules, actor=actor)


def _preference(change: PolicyChange) -> Row | None:
    said = change.after or change.before or {}
    found = Preference.objects.filter(**said).first()
    return row_of(change, preferences.as_json(found)) if found else None


def _make_preference(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    verb = preferences.unset_preference if wanted is None else preferences.set_preference
    verb(**(wanted or change.after or {}), actor=actor)


def _notice(change: PolicyChange) -> Row | None:
    said = change.before or change.after or {}
    rows = NoticeTemplate.objects.filter(kind=said["kind"], language=said["language"])
    found = rows.first()
    return row_of(change, notices.as_json(found)) if found else None


def _make_notice(change: PolicyChange, wanted: Row | None, actor: str) -> None:
    said = wanted or change.after or {}
    place = {"kind": said["kind"], "language": said["language"], "actor": actor}
    if wanted is None:
        notices.reset_words(**place)
    else:
        template = Template(wanted.get("subject", ""), wanted.get("body", ""))
        notices.set_words(**place, template=template)


def _there(found: bool) -> Row | None:
    return {} if found else None


def _sender_key(change: PolicyChange) -> str:
    return "" if change.key == "<>" else change.key


_UNDO = {
    kinds.LAYERS: Undo(Verb.EDIT_POLICY, _layer, _make_layer, key="key", gapless=True),
    kinds.NAMED: Undo(Verb.EDIT_SITE, _named, _make_named, key="name"),
    kinds.PROFILES: Undo(Verb.EDIT_SITE, _profile, _make_profile, key="name"),
    kinds.SENDERS: Undo(Verb.EDIT_LISTS, _sender, _make_sender),
    kinds.BAN_RULES: Undo(Verb.EDIT_SITE, _ban_rules, _make_ban_rules, key="name"),
    kinds.NETWORKS: Undo(Verb.EDIT_SITE, _network, _make_network, key="cidr"),
    kinds.DOMAINS: Undo(
        Verb.EDIT_DOMAINS,
        lambda change: _there(Domain.objects.filter(name=change.key).exists()),
        _make_domain,
        key="name",
    ),
    kinds.MAILBOXES: Undo(
        Verb.EDIT_MAILBOXES,
        lambda change: _there(Mailbox.objects.filter(address=change.key).exists()),
        _make_mailbox,
        key="address",
    ),
    kinds.TRACED: Undo(
        Verb.EDIT_SITE,
        lambda change: _there(TracedSender.objects.filter(sender=_sender_key(change)).exists()),
        _make_trace,
        key="sender",
    ),
    kinds.SETTINGS: Undo(Verb.EDIT_SITE, _settings, _make_settings),
    kinds.VIRUS_NAMES: Undo(Verb.EDIT_SITE, _virus_names, _make_virus_names),
    kinds.PREFERENCES: Undo(Verb.EDIT_SITE, _preference, _make_preference),
    kinds.NOTICES: Undo(Verb.EDIT_SITE, _notice, _make_notice),
}
_FINAL = frozenset({"import virusnames"})  # one rule of a list whose places have shifted since
