"""Make and remove accounts, set passwords, say what belongs to whom.  One transaction each."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from appliance.accounts.models import Role, User
from appliance.domains.models import Domain, Mailbox
from appliance.domains.names import domain_name, mailbox_address
from appliance.errors import Refused
from appliance.policies.revisions import record

LONGEST_PASSWORD = 128  # characters (W1)

WORKS_FOR = {Role.MANAGER: "domain", Role.HELPDESK: "domain", Role.OWNER: "mailbox"}
MAY_ALSO = {Role.MANAGER: "mailbox", Role.HELPDESK: "mailbox"}  # delegated, beside the domains


@transaction.atomic
def create_user(
    *,
    email: str,
    role: str,
    password: str,
    actor: str,
    domains: Iterable[str] = (),
    mailboxes: Iterable[str] = (),
    must_change_password: bool = True,
) -> User:
    """Make an account.

    Managers and helpdesk need a domain and may be given single mailboxes elsewhere, owners need a
    mailbox; administrators and auditors see the whole site and take neither.  Mailboxes are made
    where they are missing, domains are not.  The person must change the password at first login
    unless `must_change_password` is False.  Raises Refused.
    """
    domains, mailboxes = list(domains), list(mailboxes)
    _refuse_wrong_scope(role, domains, mailboxes)
    user = User(email=_email(email), role=role, must_change_password=must_change_password)
    if User.objects.filter(email=user.email).exists():
        raise Refused(f"there is an account {user.email} already")
    _store_password(user, password)
    user.domains.set([_domain(name) for name in domains])
    user.mailboxes.set([_mailbox(address) for address in mailboxes])
    after = {"role": role, "domains": domains, "mailboxes": mailboxes}
    record(who=actor, verb="users add", key=user.email, before=None, after=after)
    return user


@transaction.atomic
def change_user(
    *,
    email: str,
    role: str,
    actor: str,
    domains: Iterable[str] = (),
    mailboxes: Iterable[str] = (),
) -> User:
    """Give the account this role and scope, which act at once; the last administrator stays one.
    Raises Refused.
    """
    domains, mailboxes = list(domains), list(mailboxes)
    _refuse_wrong_scope(role, domains, mailboxes)
    user = find_user(email)
    if role != Role.ADMINISTRATOR:
        _refuse_last_administrator(user)
    before, user.role = as_json(user), role
    user.save()
    user.domains.set([_domain(name) for name in domains])
    user.mailboxes.set([_mailbox(address) for address in mailboxes])
    after = as_json(user)
    if before != after:
        record(who=actor, verb="users change", key=user.email, before=before, after=after)
    return user


@transaction.atomic
def set_password(
    *, email: str, password: str, actor: str, must_change_password: bool = True
) -> User:
    """Give the account a password, to be changed at the next login.  Raises Refused."""
    user = find_user(email)
    user.must_change_password = must_change_password
    _store_password(user, password)
    record(who=actor, verb="users password", key=user.email, before={}, after={})
    return user


@transaction.atomic
def set_active(*, email: str, active: bool, actor: str) -> User:
    """Say whether the person may log in; the last administrator stays open.  Raises Refused."""
    user = find_user(email)
    if not active:
        _refuse_last_administrator(user)
    user.is_active, before = active, user.is_active
    user.save()
    if before != active:
        change = ({"active": before}, {"active": active})
        record(who=actor, verb="users active", key=user.email, before=change[0], after=change[1])
    return user


@transaction.atomic
def remove_user(*, email: str, actor: str) -> None:
    """Remove an account; the last administrator stays.  Raises Refused."""
    user = find_user(email)
    _refuse_last_administrator(user)
    record(who=actor, verb="users remove", key=user.email, before={"role": user.role}, after=None)
    user.delete()


def import_user(
    *,
    email: str,
    role: str,
    active: bool = True,
    domains: Iterable[str] = (),
    mailboxes: Iterable[str] = (),
) -> User:
    """Make the account what an export says; a new one has no password.  Raises Refused.

    Part of a larger transaction, which records it.
    """
    domains, mailboxes = list(domains), list(mailboxes)
    _refuse_wrong_scope(role, domains, mailboxes)
    email = _email(email)
    user = User.objects.filter(email=email).first()
    if user is None:
        user = User(email=email)
        user.set_unusable_password()
    user.role, user.is_active = role, active
    user.save()
    user.domains.set([_domain(name) for name in domains])
    user.mailboxes.set([_mailbox(address) for address in mailboxes])
    return user


def as_json(user: User) -> dict[str, Any]:
    """Return the account as `users list` prints it."""
    return {
        "email": user.email,
        "role": user.role,
        "active": user.is_active,
        "domains": sorted(domain.name for domain in user.domains.all()),
        "mailboxes": sorted(mailbox.address for mailbox in user.mailboxes.all()),
    }


def find_user(email: str) -> User:
    """Return the account, in whatever case it was typed.  Raises Refused."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise Refused(f"there is no account {email.strip()}")
    return user


def _refuse_last_administrator(user: User) -> None:
    others = User.objects.select_for_update().filter(role=Role.ADMINISTRATOR, is_active=True)
    if user.role == Role.ADMINISTRATOR and not others.exclude(pk=user.pk).exists():
        raise Refused(f"{user.email} is the last administrator")


def _refuse_wrong_scope(role: str, domains: list[str], mailboxes: list[str]) -> None:
    if role not in Role.values:
        raise Refused(f"{role!r} is no role: write {', '.join(Role.values)}")
    needed = WORKS_FOR.get(Role(role))
    given = {"domain": domains, "mailbox": mailboxes}
    for kind, names in given.items():
        if names and kind not in (needed, MAY_ALSO.get(Role(role))):
            where = f"works for a {needed}" if needed else "sees the whole site"
            raise Refused(f"the role {role} {where}: leave out the {kind}")
    if needed and not given[needed]:
        raise Refused(f"the role {role} needs a {needed}")


def _email(text: str) -> str:
    email = text.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(f"{text!r} is no e-mail address") from None
    return email


def _store_password(user: User, password: str) -> None:
    if len(password) > LONGEST_PASSWORD:
        raise Refused(f"a password has at most {LONGEST_PASSWORD} characters")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    user.set_password(password)
    user.save()


def _domain(name: str) -> Domain:
    domain = Domain.objects.filter(name=domain_name(name)).first()
    if domain is None:
        raise Refused(f"there is no local domain {domain_name(name)}: add it first")
    return domain


def _mailbox(address: str) -> Mailbox:
    address = mailbox_address(address)
    domain = address.rpartition("@")[2]
    return Mailbox.objects.get_or_create(address=address, defaults={"domain": domain})[0]
