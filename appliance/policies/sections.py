"""The sections of an export: for each kind of row, how it is written as JSON, made and removed.

Rows that a source brought are in no export: the source brings them again.  Nothing here records a
change or opens a transaction: transfer.py does both.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from appliance.accounts.models import User
from appliance.accounts.users import import_user
from appliance.domains.models import Domain, Mailbox, Network
from appliance.domains.names import (
    domain_name,
    mailbox_address,
    network_cidr,
    printed_key,
    printed_sender,
)
from appliance.engines import edit as engines
from appliance.engines import preferences, virus_names
from appliance.engines.models import Preference, ScannerRole, VirusNameRule
from appliance.notices import edit as notices
from appliance.notices.models import NoticeTemplate
from appliance.policies import banrules, edit, named, profiles, senders
from appliance.policies.columns import SettingColumns
from appliance.policies.models import BanRuleSet, NamedPolicy, PolicyLayer, Profile, SenderRule
from appliance.sources import edit as sources
from appliance.sources.models import Source
from appliance.status import edit as status
from appliance.status.models import SiteSettings, TracedSender
from smtpfilter.policy.settings import FIELDS

Row = Mapping[str, Any]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """`fields`: what a row may have, those of its key first.  `key` returns the canonical key.

    `put` makes or changes the row, `drop` removes it; without `drop` no import removes such rows.
    """

    name: str
    fields: tuple[str, ...]
    rows: Callable[[], list[Any]]
    key: Callable[[Row], Key]
    put: Callable[[Row], object]
    drop: Callable[[Key], object] | None = None


def as_text(value: Any) -> str:
    """Return a setting's JSON form as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _put_settings(row: SettingColumns, settings: Mapping[str, Any]) -> None:
    values = edit.parse_values({name: as_text(value) for name, value in settings.items()})
    for name in FIELDS:
        setattr(row, name, values.get(name))
    row.save()


def _put_named(row: Row) -> None:
    name = named.policy_name(row["name"])
    found = NamedPolicy.objects.filter(name=name).first() or NamedPolicy(name=name)
    _put_settings(found, row.get("settings", {}))


def _put_layer(row: Row) -> None:
    key = printed_key(row["key"])
    layer = PolicyLayer.objects.filter(key=key, source="").first() or PolicyLayer(key=key)
    edit.refuse_unknown(row.get("locked", []))
    layer.locked = sorted(row.get("locked", []))
    layer.priority = row.get("priority")
    layer.policy = edit.find_named(row["policy"]) if row.get("policy") else None
    _put_settings(layer, row.get("settings", {}))


def _put_setting(row: Row) -> None:
    site = SiteSettings.load()
    status.assign(site, row["name"], row["value"])
    site.save()


def _put_sender(row: Row) -> None:
    scored = row["action"] == SenderRule.Action.SCORE
    action, points = senders.parse_action(str(row["points"]) if scored else row["action"])
    expires_at = row.get("expires_at")
    SenderRule.objects.update_or_create(
        key=printed_key(row["key"]),
        sender=printed_sender(row["sender"] or "<>"),
        source="",
        defaults={
            "action": action,
            "points": points,
            "expires_at": datetime.fromisoformat(expires_at) if expires_at else None,
            "authenticated": bool(row.get("authenticated", False)),
        },
    )


def _put_rules(row: Row) -> None:
    BanRuleSet.objects.update_or_create(
        name=banrules.parse_name(row["name"]),
        defaults={"rules": banrules.parse_rules(row["rules"])},
    )


def _put_profile(row: Row) -> None:
    name = profiles.profile_name(row["name"])
    profile = Profile.objects.filter(name=name).first() or Profile(name=name)
    profile.ports = profiles.parse_ports(row.get("ports", []))
    profile.authenticated = bool(row.get("authenticated", False))
    profile.originating = bool(row.get("originating", False))
    _put_settings(profile, row.get("settings", {}))


def _put_network(row: Row) -> None:
    Network.objects.update_or_create(
        cidr=network_cidr(row["cidr"]),
        defaults={
            "profile": profiles.find_profile(row["profile"]).name if row.get("profile") else ""
        },
    )


def _put_mailbox(row: Row) -> None:
    address = mailbox_address(row["address"])
    Mailbox.objects.get_or_create(address=address, domain=address.rpartition("@")[2])


def _traced_rows() -> list[dict[str, Any]]:
    return [{"sender": str(trace)} for trace in TracedSender.objects.all()]


def _user_rows() -> list[dict[str, Any]]:
    return [
        {
            "email": user.email,
            "role": user.role,
            "active": user.is_active,
            "domains": sorted(domain.name for domain in user.domains.all()),
            "mailboxes": sorted(mailbox.address for mailbox in user.mailboxes.all()),
        }
        for user in User.objects.prefetch_related("domains", "mailboxes")
    ]


SECTIONS = (
    Section(
        "settings",
        ("name", "value"),
        rows=lambda: [
            {"name": name, "value": value}
            for name, value in status.as_json(SiteSettings.load()).items()
        ],
        key=lambda row: (row["name"],),
        put=_put_setting,
    ),
    Section(
        "domains",
        ("name",),
        rows=lambda: list(Domain.objects.filter(source="").values("name")),
        key=lambda row: (domain_name(row["name"]),),
        put=lambda row: Domain.objects.get_or_create(name=domain_name(row["name"])),
        drop=lambda key: Domain.objects.filter(name=key[0], source="").delete(),
    ),
    Section(
        "mailboxes",
        ("address",),
        rows=lambda: list(Mailbox.objects.values("address")),
        key=lambda row: (mailbox_address(row["address"]),),
        put=_put_mailbox,
        drop=lambda key: Mailbox.objects.filter(address=key[0]).delete(),
    ),
    Section(
        "banrules",
        ("name", "rules"),
        rows=lambda: list(BanRuleSet.objects.values("name", "rules")),
        key=lambda row: (row["name"],),
        put=_put_rules,
        drop=lambda key: BanRuleSet.objects.filter(name=key[0]).delete(),
    ),
    Section(
        "profiles",
        ("name", "settings", "ports", "authenticated", "originating"),
        rows=lambda: [profiles.as_json(profile) or {} for profile in Profile.objects.all()],
        key=lambda row: (row["name"],),
        put=_put_profile,
        drop=lambda key: Profile.objects.filter(name=key[0]).delete(),
    ),
    Section(
        "networks",
        ("cidr", "profile"),
        rows=lambda: list(Network.objects.values("cidr", "profile")),
        key=lambda row: (network_cidr(row["cidr"]),),
        put=_put_network,
        drop=lambda key: Network.objects.filter(cidr=key[0]).delete(),
    ),
    Section(
        "policies",
        ("name", "settings"),
        rows=lambda: [
            {"name": policy.name, "settings": edit.stored_settings(policy)}
            for policy in NamedPolicy.objects.all()
        ],
        key=lambda row: (row["name"],),
        put=_put_named,
        drop=lambda key: NamedPolicy.objects.filter(name=key[0]).delete(),
    ),
    Section(
        "layers",
        ("key", "settings", "locked", "policy", "priority"),
        rows=lambda: [
            edit.as_json(layer) or {}
            for layer in PolicyLayer.objects.filter(source="").select_related("policy")
        ],
        key=lambda row: (printed_key(row["key"]),),
        put=_put_layer,
        drop=lambda key: PolicyLayer.objects.filter(key=key[0], source="").delete(),
    ),
    Section(
        "senders",
        ("key", "sender", "action", "points", "expires_at", "authenticated"),
        rows=lambda: [senders.stored(rule) for rule in SenderRule.objects.filter(source="")],
        key=lambda row: (printed_key(row["key"]), printed_sender(row["sender"] or "<>")),
        put=_put_sender,
        drop=lambda key: SenderRule.objects.filter(key=key[0], sender=key[1], source="").delete(),
    ),
    Section(
        "notices",
        ("kind", "language", "subject", "body"),
        rows=lambda: [notices.as_json(row) for row in NoticeTemplate.objects.all()],
        key=lambda row: (notices.parse_kind(row["kind"]), notices.parse_language(row["language"])),
        put=notices.put,
        drop=lambda key: NoticeTemplate.objects.filter(kind=key[0], language=key[1]).delete(),
    ),
    Section(
        "scanners",
        ("name", "role"),
        rows=lambda: list(map(engines.as_json, ScannerRole.objects.all())),
        key=lambda row: (engines.parse_name(row["name"]),),
        put=engines.put_role,
        drop=lambda key: ScannerRole.objects.filter(name=key[0]).delete(),
    ),
    Section(
        "virusnames",
        ("position", "pattern", "points", "comment"),
        rows=virus_names.rows,
        key=lambda row: (str(row["position"]),),
        put=virus_names.put,
        drop=lambda key: VirusNameRule.objects.filter(position=int(key[0])).delete(),
    ),
    Section(
        "preferences",
        ("username", "preference", "value"),
        rows=lambda: list(map(preferences.as_json, Preference.objects.all())),
        key=preferences.key_of,
        put=preferences.put,
        drop=preferences.drop,
    ),
    Section(
        "traced",
        ("sender",),
        rows=_traced_rows,
        key=lambda row: (printed_sender(row["sender"]) or "<>",),
        put=lambda row: TracedSender.objects.get_or_create(sender=printed_sender(row["sender"])),
        drop=lambda key: TracedSender.objects.filter(sender=printed_sender(key[0])).delete(),
    ),
    Section(
        "sources",
        sources.SETTINGS,
        rows=lambda: [sources.settings_of(source) for source in Source.objects.all()],
        key=lambda row: (row["name"],),
        put=sources.put_source,
        drop=lambda key: sources.drop_source(key[0]),
    ),
    Section(
        "users",
        ("email", "role", "active", "domains", "mailboxes"),
        rows=_user_rows,
        key=lambda row: (row["email"].lower(),),
        put=lambda row: import_user(**row),
    ),
)
