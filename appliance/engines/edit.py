"""Say how a virus scanner is used.  One transaction; recorded.

What a scanner is, and the command line of one that is a program, stands in the machine's file and
is changed only there.
"""

from collections.abc import Collection, Mapping
from typing import Any, cast

from django.db import transaction

from appliance.engines.models import ROLES, ScannerRole
from appliance.errors import Already, Refused, Unknown
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible
from smtpfilter.policy.site import Role

LONGEST_NAME = 100


def roles() -> dict[str, Role]:
    """Return the roles that are set here, by the scanner's name."""
    return {row.name: cast(Role, row.role) for row in ScannerRole.objects.all()}


def as_json(row: ScannerRole) -> dict[str, Any]:
    return {"name": row.name, "role": row.role}


def parse_role(text: str) -> str:
    """Return the role that `text` names.  Raises Refused."""
    role = text.strip().lower()
    if role not in dict(ROLES):
        raise Refused(f"{text!r} is no role: write {', '.join(dict(ROLES))}")
    return role


def parse_name(text: str) -> str:
    """Return the name of a scanner, which this machine need not have.  Raises Refused."""
    if not 0 < len(text) <= LONGEST_NAME or text != visible(text) or not text.isprintable():
        raise Refused(f"a scanner's name has 1 to {LONGEST_NAME} printable characters")
    return text


@transaction.atomic
def set_role(*, name: str, role: str, entries: Mapping[str, Role], actor: str) -> ScannerRole:
    """Use the scanner `name` as `role` from the next message on.

    `entries`: the scanners of this machine, each with the role that its file gives it.  Raises
    Unknown for a scanner that is not among them; Already; Refused where nobody would be asked any
    more: running without any virus scanner is a choice of its own (virus_scanning).
    """
    if name not in entries:
        raise Unknown(f"there is no virus scanner {name!r}; there are: {_listed(entries)}")
    role = parse_role(role)
    row = ScannerRole.objects.select_for_update().filter(name=name).first()
    before = as_json(row) if row else None
    if (row.role if row else entries[name]) == role:
        raise Already(f"{name} is {role} already")
    row = row or ScannerRole(name=name)
    row.role = role
    row.save()
    if role == "off" and not any(used != "off" for used in _in_force(entries).values()):
        raise Refused(
            f"{name} is the last virus scanner that is asked; to run without any, set"
            " virus_scanning to no"
        )
    record(who=actor, verb="scanners role", key=name, before=before, after=as_json(row))
    return row


def put_role(row: Mapping[str, Any]) -> None:
    """Store one row of an import, which is recorded there.  Raises Refused."""
    ScannerRole.objects.update_or_create(
        name=parse_name(row["name"]), defaults={"role": parse_role(row["role"])}
    )


def _in_force(entries: Mapping[str, Role]) -> dict[str, Role]:
    return {**entries, **{name: role for name, role in roles().items() if name in entries}}


def _listed(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
