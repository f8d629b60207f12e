"""`manage.py users`: accounts and their roles."""

import secrets
import sys
from argparse import Namespace
from typing import Any

from appliance.accounts import recovery, users
from appliance.accounts.models import Role, User
from appliance.errors import Refused
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table


class Command(SubjectCommand):
    help = "Accounts: administrators, domain managers, helpdesk, auditors, mailbox owners."

    def subcommands(self, add: Add) -> None:
        add("list", self.list_users, "all accounts")
        parser = add("add", self.add, "add an account; without --password-stdin one is made up")
        _add_scope(parser)
        _add_password(parser)
        _add_scope(add("change", self.change, "give an account another role and scope"))
        parser = add("password", self.password, "give an account a password to begin with")
        parser.add_argument("email", metavar="EMAIL")
        _add_password(parser)
        add("link", self.link, "a link to choose a password by").add_argument(
            "email", metavar="EMAIL"
        )
        add("unlock", self.unlock, "forget failed logins").add_argument("email", metavar="EMAIL")
        add("forget-factors", self.forget_factors, "forget app, passkeys and codes").add_argument(
            "email", metavar="EMAIL"
        )
        add("remove", self.remove, "remove an account").add_argument("email", metavar="EMAIL")

    def list_users(self, options: Namespace) -> Answer:
        rows = [
            users.as_json(user) for user in User.objects.prefetch_related("domains", "mailboxes")
        ]
        told = [(r["email"], r["role"], ", ".join(r["domains"] + r["mailboxes"])) for r in rows]
        return Answer(rows, table(told))

    def add(self, options: Namespace) -> Answer:
        password, made_up = _password(options)
        user = users.create_user(
            email=options.email,
            role=options.role,
            password=password,
            domains=options.domains,
            mailboxes=options.mailboxes,
            must_change_password=made_up or options.must_change,
            actor=ACTOR,
        )
        return _answer(user, password if made_up else None)

    def change(self, options: Namespace) -> Answer:
        user = users.change_user(
            email=options.email,
            role=options.role,
            domains=options.domains,
            mailboxes=options.mailboxes,
            actor=ACTOR,
        )
        return _answer(user, None)

    def link(self, options: Namespace) -> Answer:
        link = recovery.make_link(email=options.email, actor=ACTOR)
        return Answer({"link": link}, [link])

    def unlock(self, options: Namespace) -> Answer:
        return _answer(recovery.unlock(email=options.email, actor=ACTOR), None)

    def forget_factors(self, options: Namespace) -> Answer:
        return _answer(recovery.drop_factors(email=options.email, actor=ACTOR), None)

    def password(self, options: Namespace) -> Answer:
        password, made_up = _password(options)
        user = users.set_password(
            email=options.email,
            password=password,
            must_change_password=made_up or options.must_change,
            actor=ACTOR,
        )
        return _answer(user, password if made_up else None)

    def remove(self, options: Namespace) -> Answer:
        users.remove_user(email=options.email, actor=ACTOR)
        return Answer({}, ["removed"])


def _add_scope(parser: Any) -> None:
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--role", choices=Role.values, required=True)
    parser.add_argument("--domain", action="append", default=[], dest="domains")
    parser.add_argument("--mailbox", action="append", default=[], dest="mailboxes")


def _add_password(parser: Any) -> None:
    parser.add_argument("--password-stdin", action="store_true", help="one line of standard input")
    parser.add_argument("--must-change", action="store_true", help="to be changed at first login")


def _password(options: Namespace) -> tuple[str, bool]:
    """Return the password and whether it was made up here."""
    if not options.password_stdin:
        return secrets.token_urlsafe(12), True
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise Refused("no password on standard input")
    return password, False


def _answer(user: User, password: str | None) -> Answer:
    if password is None:
        return Answer(users.as_json(user), [f"{user.email}, {user.role}"])
    line = f"{user.email}, {user.role}, password {password} (to be changed at first login)"
    return Answer(users.as_json(user) | {"password": password}, [line])
