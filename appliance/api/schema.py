"""What drf-spectacular cannot know by itself: questions have no further fields, and every resource
may answer with an error.
"""

from typing import Any

from appliance.api import errors

_METHODS = {"get", "post", "put", "patch", "delete"}
_ERROR = {
    "type": "object",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": False,
}


def complete(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return the document with both.  For drf-spectacular's POSTPROCESSING_HOOKS."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    schemas["Error"] = _ERROR
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for operations in result["paths"].values():
        for method in _METHODS & operations.keys():
            responses = operations[method]["responses"]
            for code, meaning in errors.MEANINGS.items():
                responses.setdefault(code, {"description": meaning, "content": content})
    return result
