"""Layers of policy, the settings that there are, named policies, and what would happen to mail."""

from collections.abc import Iterable
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import Verb, may
from appliance.accounts.guard import within
from appliance.api.fields import Flag, Number, Question, Text, Value, Whole, body, query
from appliance.api.paging import Paged, piece
from appliance.api.resource import Resource, actor, person
from appliance.policies import edit, explain, named
from appliance.policies.fields import field_documents
from appliance.policies.forms import BEYOND_OWN_MAIL
from appliance.policies.models import NamedPolicy, PolicyLayer
from appliance.policies.sections import as_text
from appliance.policies.views.keys import key_in_address
from appliance.policies.visible import visible_layers

MOST_NAMES = 100


class Layer(serializers.Serializer[Any]):
    key = serializers.CharField(help_text="A lookup key: @. is the whole site.")
    settings = serializers.DictField(child=Value(), help_text="What the layer sets itself.")
    locked = serializers.ListField(
        child=serializers.CharField(), help_text="Fields that layers below may not change."
    )


class Field(serializers.Serializer[Any]):
    field = serializers.CharField()
    kind = serializers.CharField()
    group = serializers.CharField()
    default = Value(allow_null=True)
    help = serializers.CharField()


class LayerChange(Question):
    settings = serializers.DictField(
        child=Value(allow_null=True), required=False, help_text="Fields to set; null inherits."
    )
    locked = serializers.ListField(
        child=Text(), required=False, help_text="All fields that layers below may not change."
    )
    policy = Text(required=False, help_text="The named policy that it shares; empty for none.")


class NamedPolicyDocument(serializers.Serializer[Any]):
    name = serializers.CharField()
    settings = serializers.DictField(child=Value())


class NamedPolicyChange(Question):
    settings = serializers.DictField(
        child=Value(allow_null=True), help_text="Fields to set; null inherits."
    )


class Supposed(Question):
    """A message that there need not be."""

    recipient = Text()
    sender = Text(default="", help_text="Empty for the null sender.")
    score = Number(required=False)
    viruses = serializers.ListField(child=Text(), default=list, max_length=MOST_NAMES)
    banned = serializers.ListField(
        child=Text(), default=list, max_length=MOST_NAMES, help_text="Names of files."
    )
    client = Text(default="", help_text="IP address that it came from.")
    port = Whole(default=0, min_value=0, max_value=65535, help_text="By which port; 0 for any.")
    authenticated = Flag(default=False, help_text="Its sender logged in.")


class Explained(serializers.Serializer[Any]):
    destiny = serializers.CharField()
    category = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    let_through = serializers.ListField(child=serializers.CharField())
    settings = serializers.DictField(help_text="Each field's value and origin.")


class Layers(Resource):
    subject = "policies"
    verbs = {"GET": (Verb.SEE_POLICY,)}

    @extend_schema(parameters=[Paged], responses=Layer(many=True))
    def get(self, request: Request) -> Response:
        """List the layers of policy."""
        return piece(request, visible_layers(person(request)), query(request, Paged), edit.as_json)


class OneLayer(Resource):
    subject = "policies"
    verbs = {"GET": (Verb.SEE_POLICY,), "PATCH": (Verb.EDIT_POLICY,)}

    @extend_schema(responses=Layer)
    def get(self, request: Request, key: str) -> Response:
        """Show what is set at a lookup key; of a key without a layer, nothing is."""
        key = within(person(request), key_in_address(key))
        return _layer(key, edit.find_layer(key))

    @extend_schema(request=LayerChange, responses=Layer)
    def patch(self, request: Request, key: str) -> Response:
        """Change the layer at a lookup key; it is made if missing, and goes when left empty."""
        asks = person(request)
        key = within(asks, key_in_address(key))
        typed = body(request, LayerChange)
        settings, locked = typed.pop("settings", {}), typed.get("locked")
        edit.refuse_unknown(locked or ())
        if not may(asks, Verb.EDIT_SITE):
            _refuse_beyond({*settings, *_moved_locks(key, locked)})
        layer = edit.change_fields(
            key=key, values=_written(settings), actor=actor(request), **typed
        )
        return _layer(key, layer)


class Fields(Resource):
    subject = "policies"
    verbs = {"GET": (Verb.SEE_POLICY,)}

    @extend_schema(responses=Field(many=True))
    def get(self, request: Request) -> Response:
        """List the settings that there are, with their built-in defaults."""
        return Response(field_documents())


class NamedPolicies(Resource):
    subject = "policies"
    verbs = {"GET": (Verb.SEE_POLICY,)}

    @extend_schema(parameters=[Paged], responses=NamedPolicyDocument(many=True))
    def get(self, request: Request) -> Response:
        """List the named policies, which several layers share."""
        return piece(request, NamedPolicy.objects.all(), query(request, Paged), named.as_json)


class OneNamedPolicy(Resource):
    subject = "policies"
    verbs = {
        "GET": (Verb.SEE_POLICY,),
        "PATCH": (Verb.EDIT_SITE,),
        "DELETE": (Verb.EDIT_SITE,),
    }

    @extend_schema(responses=NamedPolicyDocument)
    def get(self, request: Request, name: str) -> Response:
        """Show what a named policy sets."""
        return Response(named.as_json(get_object_or_404(NamedPolicy, name=name)))

    @extend_schema(request=NamedPolicyChange, responses=NamedPolicyDocument)
    def patch(self, request: Request, name: str) -> Response:
        """Change a named policy; it is made if missing."""
        values = _written(body(request, NamedPolicyChange)["settings"])
        policy = named.change_named(name=name, values=values, actor=actor(request))
        return Response(named.as_json(policy))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Remove a named policy that no layer uses."""
        get_object_or_404(NamedPolicy, name=name)
        named.remove_named(name=name, actor=actor(request))
        return Response(status=204)


class Explain(Resource):
    subject = "policies"
    verbs = {"POST": (Verb.SEE_POLICY,)}
    asks = True

    @extend_schema(request=Supposed, responses=Explained)
    def post(self, request: Request) -> Response:
        """Say what would happen to a message, why, and where each setting comes from."""
        typed = body(request, Supposed)
        within(person(request), key_in_address(typed["recipient"]))
        found = explain.explain(
            recipient=typed["recipient"],
            sender=typed["sender"],
            findings=explain.supposed(
                score=typed.get("score"), viruses=typed["viruses"], banned=typed["banned"]
            ),
            client=explain.client(typed["client"], authenticated=typed["authenticated"]),
            port=typed["port"],
        )
        return Response(found.to_json())


def _layer(key: str, layer: PolicyLayer | None) -> Response:
    return Response(edit.as_json(layer or PolicyLayer(key=key)))


def _written(settings: dict[str, Any]) -> dict[str, str | None]:
    """Return the values as people write them, None to inherit."""
    return {name: None if value is None else as_text(value) for name, value in settings.items()}


def _moved_locks(key: str, locked: Iterable[str] | None) -> set[str]:
    """Return the fields that are locked now or then, but not both."""
    layer = edit.find_layer(key)
    return set() if locked is None else set(locked) ^ set(layer.locked if layer else ())


def _refuse_beyond(fields: set[str]) -> None:
    """Where mail goes and who is told is not a manager's to say.  Raises PermissionDenied."""
    if beyond := sorted(fields & BEYOND_OWN_MAIL):
        raise PermissionDenied(f"{beyond[0]} is for those who may change the whole site")
