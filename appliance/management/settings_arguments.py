"""FIELD=VALUE as commands take it, and settings in the words that `set` takes."""

from collections.abc import Mapping
from typing import Any

from appliance.errors import Unknown
from appliance.policies.sections import as_text


def assignment(text: str) -> tuple[str, str]:
    """Return (field, value).  Raises Unknown where there is no "="."""
    name, equals, value = text.partition("=")
    if not equals:
        raise Unknown(f"{text!r} is no setting: write FIELD=VALUE")
    return name, value


def setting_lines(settings: Mapping[str, Any]) -> list[str]:
    return [f"  {name}={as_text(value)}" for name, value in settings.items()]
