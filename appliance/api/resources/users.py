"""Accounts and their roles."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts import users
from appliance.accounts.access import Verb, visible_users
from appliance.accounts.models import Role
from appliance.api.fields import Flag, Question, Text, body, query
from appliance.api.paging import Paged, piece
from appliance.api.resource import Resource, actor, person

MOST_PLACES = 1000  # domains or mailboxes of one account


class Account(serializers.Serializer[Any]):
    email = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.values)
    active = serializers.BooleanField(help_text="May log in, and use tokens.")
    domains = serializers.ListField(child=serializers.CharField())
    mailboxes = serializers.ListField(child=serializers.CharField())


class NewAccount(Question):
    email = Text()
    role = serializers.ChoiceField(choices=Role.values)
    password = Text(help_text="At least 12 characters.")
    must_change_password = Flag(default=True, help_text="At the first login.")
    domains = serializers.ListField(child=Text(), default=list, max_length=MOST_PLACES)
    mailboxes = serializers.ListField(child=Text(), default=list, max_length=MOST_PLACES)


class AccountChange(Question):
    active = Flag()


class NewPassword(Question):
    password = Text(help_text="At least 12 characters.")
    must_change_password = Flag(default=True, help_text="At the next login.")


class Users(Resource):
    subject = "users"
    verbs = {"GET": (Verb.MANAGE_USERS,), "POST": (Verb.MANAGE_USERS,)}

    @extend_schema(parameters=[Paged], responses=Account(many=True))
    def get(self, request: Request) -> Response:
        """List the accounts."""
        found = visible_users(person(request)).prefetch_related("domains", "mailboxes")
        return piece(request, found.order_by("email"), query(request, Paged), users.as_json)

    @extend_schema(request=NewAccount, responses={201: Account})
    def post(self, request: Request) -> Response:
        """Add an account."""
        user = users.create_user(**body(request, NewAccount), actor=actor(request))
        return Response(users.as_json(user), status=201)


class OneUser(Resource):
    subject = "users"
    verbs = dict.fromkeys(("GET", "PATCH", "DELETE"), (Verb.MANAGE_USERS,))

    @extend_schema(responses=Account)
    def get(self, request: Request, email: str) -> Response:
        """Show an account."""
        found = get_object_or_404(visible_users(person(request)), email=email)
        return Response(users.as_json(found))

    @extend_schema(request=AccountChange, responses=Account)
    def patch(self, request: Request, email: str) -> Response:
        """Close an account, or open it again."""
        found = get_object_or_404(visible_users(person(request)), email=email)
        typed = body(request, AccountChange)
        user = users.set_active(email=found.email, **typed, actor=actor(request))
        return Response(users.as_json(user))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, email: str) -> Response:
        """Remove an account."""
        found = get_object_or_404(visible_users(person(request)), email=email)
        users.remove_user(email=found.email, actor=actor(request))
        return Response(status=204)


class Password(Resource):
    subject = "users"
    verbs = {"POST": (Verb.MANAGE_USERS,)}

    @extend_schema(request=NewPassword, responses=Account)
    def post(self, request: Request, email: str) -> Response:
        """Give an account a password."""
        found = get_object_or_404(visible_users(person(request)), email=email)
        typed = body(request, NewPassword)
        user = users.set_password(email=found.email, **typed, actor=actor(request))
        return Response(users.as_json(user))
