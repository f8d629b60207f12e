"""Between a form and a verb: what the verb refuses becomes a sentence on the screen."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, QueryDict

from appliance.errors import Refused

UNPROCESSABLE = 422


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form sent, which may be nothing at all, or None where the page is only looked
    at.
    """
    return request.POST if request.method == "POST" else None


def sentence(error: Refused) -> str:
    """Return what a verb said as a sentence."""
    text = str(error).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def asked_name(form: Form, parse: Callable[[str], str]) -> str:
    """Return the name that the form asks for as `parse` reads it; "" where there is none, or none
    that can be, which stands beside the field then.
    """
    if not form.is_valid():
        return ""
    try:
        return parse(form.cleaned_data["name"])
    except Refused as error:
        form.add_error("name", sentence(error))
        return ""


def carried_out(form: Form, verb: Callable[..., object], /, **arguments: Any) -> bool:
    """Call the verb; where it refuses, put its sentence above the form and return False."""
    try:
        verb(**arguments)
    except Refused as error:
        form.add_error(None, sentence(error))
        return False
    return True


def told(request: HttpRequest, done: str, verb: Callable[..., object], /, **arguments: Any) -> None:
    """Call the verb and tell on the next page that it is `done`, or why not."""
    try:
        verb(**arguments)
    except Refused as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, done)
