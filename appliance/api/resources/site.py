"""Settings of the whole site, and whether every part of the appliance works."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import Verb
from appliance.api.fields import Value
from appliance.api.resource import Resource, actor
from appliance.status import edit
from appliance.status.models import SiteSettings
from appliance.status.views import probes

_VALUES = {
    "type": "object",
    "additionalProperties": {"type": ["boolean", "number", "string", "null"]},
}


class Part(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    detail = serializers.CharField()


class HealthDocument(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Every part works.")
    parts = serializers.DictField(child=Part())


class Settings(Resource):
    subject = "settings"
    verbs = {"GET": (Verb.SEE_SYSTEM,), "PATCH": (Verb.EDIT_SITE,)}

    @extend_schema(responses={200: _VALUES})
    def get(self, request: Request) -> Response:
        """Show the settings of the whole site that are no policy."""
        return Response(edit.as_json(SiteSettings.load()))

    @extend_schema(request={"application/json": _VALUES}, responses={200: _VALUES})
    def patch(self, request: Request) -> Response:
        """Change settings, all of those that are named or none."""
        values = serializers.DictField(child=Value(allow_null=True)).run_validation(request.data)
        return Response(edit.as_json(edit.set_settings(values=values, actor=actor(request))))


class Health(Resource):
    subject = "health"
    verbs = {"GET": (Verb.SEE_SYSTEM,)}

    @extend_schema(responses=HealthDocument)
    def get(self, request: Request) -> Response:
        """Say of every part of the appliance whether it works."""
        answers = probes()
        parts = {name: {"ok": one.ok, "detail": one.detail} for name, one in answers.items()}
        return Response({"ok": all(one.ok for one in answers.values()), "parts": parts})
