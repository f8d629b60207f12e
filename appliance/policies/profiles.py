"""Direction profiles: settings for mail that came a certain way, before all layers (E-5); recorded.

`values` are written as people write them, see edit.py.  Which network a profile is for stands in
the network's row.
"""

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from appliance.domains.models import PROFILE_LIMIT, Network
from appliance.errors import Refused
from appliance.policies.edit import assign, stored_settings
from appliance.policies.models import Profile
from appliance.policies.revisions import record


def as_json(profile: Profile | None) -> dict[str, Any] | None:
    """Return the profile as `profiles show` prints it, or None."""
    if profile is None:
        return None
    return {
        "name": profile.name,
        "settings": stored_settings(profile),
        "ports": sorted(profile.ports),
        "authenticated": profile.authenticated,
        "originating": profile.originating,
    }


def find_profile(name: str) -> Profile:
    """Return the profile `name`.  Raises Refused where there is none."""
    found = Profile.objects.filter(name=name).first()
    if found is None:
        there = ", ".join(Profile.objects.values_list("name", flat=True)) or "none"
        raise Refused(f"there is no profile {name!r}; there are: {there}")
    return found


def profile_name(text: str) -> str:
    """Return the name of a profile.  Raises Refused."""
    name = text.strip()
    if not name.isprintable() or "/" in name or not 0 < len(name) <= PROFILE_LIMIT:
        raise Refused(f"a profile has a name of 1 to {PROFILE_LIMIT} characters, no slash")
    return name


def parse_ports(ports: Collection[int]) -> list[int]:
    """Return listening ports in order.  Raises Refused."""
    for port in ports:
        if not 0 < port < 65536:
            raise Refused(f"{port} is no port: write 1 to 65535")
    return sorted(set(ports))


@transaction.atomic
def change_profile(
    *,
    name: str,
    values: Mapping[str, str | None],
    actor: str,
    ports: Collection[int] | None = None,
    authenticated: bool | None = None,
    originating: bool | None = None,
) -> Profile:
    """Set fields of the profile `name`, made if missing; those with the value None are inherited.

    `ports`, `authenticated`: for mail that came in there, for senders who logged in; `originating`:
    such mail is the site's own.  None: as it is.  Raises Refused; Unknown for a field.
    """
    rows = Profile.objects.select_for_update()
    profile, made = rows.get_or_create(name=profile_name(name))
    before = None if made else as_json(profile)
    assign(profile, values)
    profile.ports = profile.ports if ports is None else parse_ports(ports)
    profile.authenticated = profile.authenticated if authenticated is None else authenticated
    profile.originating = profile.originating if originating is None else originating
    profile.save()
    after = as_json(profile)
    if before != after:
        record(who=actor, verb="profiles set", key=profile.name, before=before, after=after)
    return profile


@transaction.atomic
def remove_profile(*, name: str, actor: str) -> None:
    """Remove the profile.  Raises Refused where there is none, or while networks name it."""
    profile = find_profile(name)
    users = ", ".join(Network.objects.filter(profile=name).values_list("cidr", flat=True)[:10])
    if users:
        raise Refused(f"the profile {name!r} is used by {users}")
    record(who=actor, verb="profiles remove", key=name, before=as_json(profile), after=None)
    profile.delete()
