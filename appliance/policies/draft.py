"""All stored policy as a change would leave it: the change is made, read, and taken back."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from appliance.policies.source import DatabasePolicySource
from smtpfilter.policy.layers import PolicyBook


def drafted(verb: Callable[..., object], /, **arguments: Any) -> PolicyBook:
    """Return the policy after the verb; nothing is stored.  Raises what the verb raises.

    Nobody else sees the change meanwhile, and whoever wants to change the same layer waits for the
    blink that it takes.
    """
    with transaction.atomic():
        verb(**arguments)
        book = DatabasePolicySource().load_all()
        transaction.set_rollback(True)
    return book
