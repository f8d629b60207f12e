"""The settings that there are, as JSON documents, for commands and API alike."""

from typing import Any

from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.settings import FIELDS, field_group, field_help, format_value


def field_documents() -> list[dict[str, Any]]:
    """Return every field with its kind, its built-in default and its help."""
    return [
        {
            "field": name,
            "kind": kind,
            "group": field_group(name),
            "default": format_value(getattr(DEFAULTS, name)),
            "help": field_help(name),
        }
        for name, kind in FIELDS.items()
    ]
