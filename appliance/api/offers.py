"""What the API offers a person: operations by role, and the scopes that a token of his can use."""

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.accounts.access import may
from appliance.accounts.models import User
from appliance.api.resource import Resource
from appliance.api.routes import ROUTES
from appliance.api.scopes import SUBJECTS

BASE = "/api/v1/"
_KINDS = ("str:", "path:")


@dataclass(frozen=True, slots=True)
class Operation:
    """`scope`: what a token needs for it; `does`: its documentation."""

    method: str
    address: str
    subject: str
    access: str
    does: str

    @property
    def scope(self) -> str:
        return f"{self.subject}:{self.access}"


def operations(person: User) -> Iterator[Operation]:
    """Yield what the person's role allows somewhere, in the order of the routes."""
    for route in ROUTES:
        resource: type[Resource] = route.callback.cls  # type: ignore[attr-defined]  # set by DRF
        for method, verbs in resource.verbs.items():
            if any(may(person, verb) for verb in verbs):
                yield Operation(
                    method=method,
                    address=BASE + _shown(str(route.pattern)),
                    subject=resource.subject,
                    access=resource.access(method),
                    does=" ".join((getattr(resource, method.lower()).__doc__ or "").split()),
                )


def offered(person: User) -> dict[str, set[str]]:
    """Return subject -> the kinds of access that are of use to the person."""
    found: dict[str, set[str]] = {subject: set() for subject in SUBJECTS}
    for operation in operations(person):
        found[operation.subject].add(operation.access)
    return {subject: kinds for subject, kinds in found.items() if kinds}


def _shown(pattern: str) -> str:
    """Return a route as the OpenAPI document writes it."""
    for kind in _KINDS:
        pattern = pattern.replace(f"<{kind}", "{")
    return pattern.replace(">", "}")
