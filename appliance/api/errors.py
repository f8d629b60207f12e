"""What a resource answers where it does not do what it was asked: {"error": one sentence}."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.settings import api_settings

from appliance.errors import Refused, Unknown
from quarantine.errors import ReleaseError
from smtpfilter.config import ConfigError
from smtpfilter.errors import PolicyUnavailable
from smtpfilter.mail.findings import visible

LONGEST = 2000  # characters of a sentence

MEANINGS = {
    "400": "The question is none: no JSON, an unknown field, a value of the wrong kind.",
    "401": "No token, or one that is not good.",
    "403": "The token's scope or the person's role does not allow it.",
    "404": "There is no such thing, or it is not the person's to see.",
    "409": "The held copy is in no state for it.",
    "413": "The body is too large.",
    "415": "The body is no JSON.",
    "422": "The verb refuses, and nothing was changed.",
    "429": "Too many questions.",
    "503": "Postgres or an engine does not answer.",
}

_log = logging.getLogger(__name__)


def answer_error(error: Exception, context: dict[str, Any]) -> Response:
    """Return the answer for an exception of a resource; one that nobody foresaw is logged."""
    code, text, headers = _meaning(error)
    if code == status.HTTP_500_INTERNAL_SERVER_ERROR:
        _log.error("API %s", context["request"].path, exc_info=error)
    return Response({"error": visible(text, LONGEST)}, status=code, headers=headers)


def _meaning(error: Exception) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, APIException):
        return error.status_code, _flat(error), _headers(error)
    for kinds, code in _CODES:
        if isinstance(error, kinds):
            return code, _TEXTS.get(code) or str(error), {}
    return status.HTTP_500_INTERNAL_SERVER_ERROR, "something is broken here; see the log", {}


_CODES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], int], ...] = (
    (Http404, 404),
    (PermissionDenied, 403),
    (Unknown, 400),
    (ReleaseError, 409),
    (Refused, 422),
    ((OperationalError, InterfaceError, PolicyUnavailable, ConfigError), 503),
)
_TEXTS = {
    404: "there is no such thing",
    403: "your role does not allow this",
    503: "the database does not answer; try again",
}


def _headers(error: APIException) -> dict[str, str]:
    wait = getattr(error, "wait", None)
    headers = {"Retry-After": str(int(wait) + 1)} if wait else {}
    if realm := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = realm
    return headers


def _flat(error: APIException) -> str:
    """Return what is wrong as one sentence, the first field's fault of several."""
    detail: Any = error.detail
    place = []
    while not isinstance(detail, str):
        name, detail = next(iter(detail.items() if isinstance(detail, dict) else enumerate(detail)))
        if isinstance(name, str) and name != api_settings.NON_FIELD_ERRORS_KEY:
            place.append(name)
        elif isinstance(name, int) and not isinstance(detail, str):
            place.append(str(name + 1))
    return f"{'.'.join(place)}: {detail}" if place else detail
