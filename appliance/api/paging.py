"""Lists in pieces: `limit` rows from `offset` on; the header Link says where the next piece begins
(RFC 8288).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.api.fields import Question

Row = TypeVar("Row", bound=Model)

USUAL_ROWS, MOST_ROWS = 100, 1000
FARTHEST = 10_000_000


class Limited(Question):
    limit = serializers.IntegerField(
        default=USUAL_ROWS, min_value=1, max_value=MOST_ROWS, help_text="Entries at most."
    )


class Paged(Limited):
    offset = serializers.IntegerField(
        default=0, min_value=0, max_value=FARTHEST, help_text="Entries to leave out."
    )


def piece(
    request: Request, rows: QuerySet[Row], asked: dict[str, Any], shown: Callable[[Row], Any]
) -> Response:
    """Answer with the rows that were asked for, each as `shown` says."""
    start, limit = asked["offset"], asked["limit"]
    found = list(rows[start : start + limit + 1])
    following = str(start + limit) if len(found) > limit else ""
    return answer(request, [shown(row) for row in found[:limit]], "offset", following)


def answer(request: Request, document: list[Any], name: str, following: str) -> Response:
    """Answer with a piece; `following` is the value of the parameter `name` for the next one."""
    response = Response(document)
    if following:
        asked = request.query_params.copy()
        asked[name] = following
        address = request.build_absolute_uri(f"{request.path}?{asked.urlencode()}")
        response["Link"] = f'<{address}>; rel="next"'
    return response
