"""`manage.py tokens`: by which programs act for a person through the API."""

from argparse import Namespace

from appliance.accounts.users import find_user
from appliance.api import tokens
from appliance.api.models import ApiToken
from appliance.api.scopes import SCOPES
from appliance.management.command import ACTOR, Add, Answer, SubjectCommand, table


class Command(SubjectCommand):
    help = "Tokens of people, by which programs use the API."

    def subcommands(self, add: Add) -> None:
        parser = add("list", self.list_tokens, "all tokens, or those of one person")
        parser.add_argument("email", metavar="EMAIL", nargs="?")
        parser = add("add", self.add, "make a token; it is printed this once")
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("name", metavar="NAME", help="which program uses it")
        parser.add_argument(
            "--scope", metavar="SCOPE", action="append", required=True, help=", ".join(SCOPES)
        )
        parser.add_argument(
            "--days",
            metavar="N",
            type=int,
            default=tokens.USUAL_DAYS,
            help=f"how long it is good, 1 to {tokens.MOST_DAYS}; {tokens.USUAL_DAYS} if not said",
        )
        parser = add("revoke", self.revoke, "make a token good for nothing")
        parser.add_argument("email", metavar="EMAIL")
        parser.add_argument("name", metavar="NAME")

    def list_tokens(self, options: Namespace) -> Answer:
        found = ApiToken.objects.select_related("user")
        if options.email:
            found = found.filter(user=find_user(options.email))
        rows = [
            (token.user.email, token.name, " ".join(token.scopes), f"{token.expires_at:%Y-%m-%d}")
            for token in found
        ]
        return Answer([tokens.as_json(token) for token in found], table(rows))

    def add(self, options: Namespace) -> Answer:
        token, secret = tokens.add_token(
            user=find_user(options.email),
            name=options.name,
            scopes=options.scope,
            days=options.days,
            actor=ACTOR,
        )
        return Answer(tokens.as_json(token) | {"token": secret}, [secret])

    def revoke(self, options: Namespace) -> Answer:
        user = find_user(options.email)
        tokens.revoke_token(user=user, name=options.name, actor=ACTOR)
        return Answer({}, ["revoked"])
