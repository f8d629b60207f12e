"""The fields of a question: what is not of the kind that the OpenAPI document names is refused,
never guessed ("yes" is no boolean, 5 is no text).
"""

import math
from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.settings import api_settings

LONGEST_TEXT = 4000  # characters


class Text(serializers.CharField):
    """Text as it was written, at most LONGEST_TEXT characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", LONGEST_TEXT)
        super().__init__(**{"trim_whitespace": False, "allow_blank": True} | kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Number(serializers.FloatField):
    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, int | float):
            self.fail("invalid")
        try:
            number = float(data)
        except OverflowError:
            self.fail("invalid")
        return number if math.isfinite(number) else self.fail("invalid")


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != int(data):
            self.fail("invalid")
        return int(data)


@extend_schema_field({"type": ["boolean", "number", "string"]})
class Value(serializers.JSONField):
    """The value of a setting: true or false for yes or no, a number, text such as "never"."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, bool | int | float | str):
            raise serializers.ValidationError("write true, false, a number or text")
        return data


class Question(serializers.Serializer[Any]):
    """What a request says; a field that is none is refused."""

    def to_internal_value(self, data: Any) -> Any:
        known = {name for name, field in self.fields.items() if not field.read_only}
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - known)):
            there = ", ".join(self.fields) or "none"
            told = f"unknown field {unknown[0]!r}; there are: {there}"
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [told]})
        return super().to_internal_value(data)


def body(request: Request, kind: type[Question]) -> dict[str, Any]:
    """Return the checked body.  Raises ValidationError (400)."""
    return _checked(kind(data=request.data))


def query(request: Request, kind: type[Question]) -> dict[str, Any]:
    """Return the checked parameters of the address.  Raises ValidationError (400)."""
    return _checked(kind(data=request.query_params.dict()))


def _checked(question: Question) -> dict[str, Any]:
    question.is_valid(raise_exception=True)
    found: dict[str, Any] = question.validated_data
    return found
