"""Sender lists: who is trusted, blocked or scored, and for whom."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import Verb
from appliance.accounts.guard import within
from appliance.api.fields import LONGEST_TEXT, Flag, Question, Text, body, query
from appliance.api.paging import Paged, piece
from appliance.api.resource import Resource, actor, person
from appliance.policies import senders
from appliance.policies.views.keys import key_in_address
from appliance.policies.visible import visible_senders


class SenderEntry(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="The lookup key of the recipients.")
    sender = serializers.CharField(help_text="Empty for the null sender.")
    action = serializers.ChoiceField(choices=["allow", "block", "score"])
    points = serializers.FloatField()
    expires_at = serializers.DateTimeField(allow_null=True)
    authenticated = serializers.BooleanField()
    hits = serializers.IntegerField()
    last_hit_at = serializers.DateTimeField(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]  # a field of this name


class NewSender(Question):
    key = Text()
    sender = Text(help_text="An address, a domain, or <>.")
    action = Text(help_text="allow, block, or a number of points.")
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    authenticated = Flag(default=False, help_text="Only where DKIM or SPF proves the sender.")


class SendersAsked(Paged):
    key = serializers.CharField(required=False, max_length=LONGEST_TEXT, help_text="One list only.")


class SenderNamed(Question):
    key = serializers.CharField(max_length=LONGEST_TEXT)
    sender = serializers.CharField(max_length=LONGEST_TEXT, help_text="An address, domain, or <>.")


class Senders(Resource):
    subject = "senders"
    verbs = {
        "GET": (Verb.SEE_POLICY, Verb.EDIT_LISTS),
        "POST": (Verb.EDIT_LISTS,),
        "DELETE": (Verb.EDIT_LISTS,),
    }

    @extend_schema(parameters=[SendersAsked], responses=SenderEntry(many=True))
    def get(self, request: Request) -> Response:
        """List the entries of all sender lists, or of one."""
        asked = query(request, SendersAsked)
        entries = visible_senders(person(request))
        if "key" in asked:
            entries = entries.filter(key=within(person(request), key_in_address(asked["key"])))
        return piece(request, entries, asked, senders.as_json)

    @extend_schema(request=NewSender, responses={201: SenderEntry})
    def post(self, request: Request) -> Response:
        """List a sender; an earlier entry is replaced."""
        typed = body(request, NewSender)
        key = within(person(request), key_in_address(typed["key"]))
        rule = senders.add_sender(**{**typed, "key": key}, actor=actor(request))
        return Response(senders.as_json(rule), status=201)

    @extend_schema(parameters=[SenderNamed], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Take a sender off a list."""
        asked = query(request, SenderNamed)
        key = within(person(request), key_in_address(asked["key"]))
        senders.remove_sender(key=key, sender=asked["sender"], actor=actor(request))
        return Response(status=204)
