"""The sets of ban rules that banned_rulenames names."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import Verb
from appliance.api.fields import Flag, Question, Text, body
from appliance.api.resource import Resource, actor
from appliance.policies import banrules


class BanSetSummary(serializers.Serializer[Any]):
    name = serializers.CharField()
    rules = serializers.IntegerField(help_text="How many there are.")
    built_in = serializers.BooleanField(help_text="Postern brings a set of this name.")
    own = serializers.BooleanField(help_text="The site has one of its own, which counts.")


class BanRule(Question):
    pattern = Text(help_text="A regular expression.")
    banned = Flag(default=True, help_text="False excepts what matches from the rules below.")
    comment = Text(default="", max_length=banrules.LONGEST_COMMENT)
    path = Flag(default=False)
    silent = Flag(default=False)


class BanSet(serializers.Serializer[Any]):
    name = serializers.CharField()
    rules = serializers.ListField(child=serializers.DictField())


class NewBanSet(Question):
    rules = serializers.ListField(child=BanRule(), max_length=banrules.MOST_RULES)


class BanSets(Resource):
    subject = "banrules"
    verbs = {"GET": (Verb.SEE_POLICY,)}

    @extend_schema(responses=BanSetSummary(many=True))
    def get(self, request: Request) -> Response:
        """List the sets of ban rules."""
        return Response([banrules.summary(found) for found in banrules.all_sets()])


class OneBanSet(Resource):
    subject = "banrules"
    verbs = {
        "GET": (Verb.SEE_POLICY,),
        "PUT": (Verb.EDIT_SITE,),
        "DELETE": (Verb.EDIT_SITE,),
    }

    @extend_schema(responses=BanSet)
    def get(self, request: Request, name: str) -> Response:
        """Show the rules of a set in their order."""
        found = banrules.find_set(name)
        if found is None:
            raise Http404
        return Response({"name": found.name, "rules": found.rules})

    @extend_schema(request=NewBanSet, responses=BanSet)
    def put(self, request: Request, name: str) -> Response:
        """Make a set of the site, or replace it."""
        rules = body(request, NewBanSet)["rules"]
        found = banrules.set_rules(name=name, rules=rules, actor=actor(request))
        return Response({"name": found.name, "rules": found.rules})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Remove a set of the site; a built-in one of its name is back."""
        if banrules.find_set(name) is None:
            raise Http404
        banrules.remove_rules(name=name, actor=actor(request))
        return Response(status=204)
