"""Lookup keys in addresses of pages and in the form that opens one."""

from django.http import Http404, HttpRequest

from appliance.accounts.access import scope_of
from appliance.accounts.models import User
from appliance.domains.names import printed_key
from appliance.errors import Refused
from appliance.policies.forms import KeyForm


def key_form(request: HttpRequest) -> KeyForm:
    """Return the form with what `?key=` says."""
    return KeyForm(request.GET or None) if "key" in request.GET else KeyForm()


def asked_key(form: KeyForm, person: User) -> str:
    """Return the key that was asked for in printed form, "" without one.

    What is none, and what lies outside the person's scope, is said on the form.
    """
    if not form.is_valid():
        return ""
    try:
        key = printed_key(form.cleaned_data["key"])
    except Refused as error:
        form.add_error("key", str(error))
        return ""
    if not scope_of(person).covers_key(key):
        form.add_error(None, f"{key} lies outside what you look after.")
        return ""
    return key


def key_in_address(key: str) -> str:
    """Return the printed form of a key in a page's address.  Raises Http404."""
    try:
        return printed_key(key)
    except Refused:
        raise Http404 from None
