"""The network tests of SpamAssassin as people see them: on, off, or missing on some node."""

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.engines.models import Rendering
from appliance.engines.network_advice import LEAVES
from appliance.status.models import SiteSettings

LABELS = {"dns_lists": "DNS block lists", "razor": "Razor2", "pyzor": "Pyzor", "dcc": "DCC"}


@dataclass(frozen=True, slots=True)
class NetworkTest:
    """`leaves`: what others learn of mail.  `state`: "on", "off" or "missing"; `lacks`: for each
    node without it, what to do there.
    """

    name: str
    label: str
    leaves: str
    state: str
    lacks: tuple[tuple[str, str], ...] = ()


def network_tests(row: SiteSettings, renderings: Iterable[Rendering]) -> list[NetworkTest]:
    """Return the state of every test by the settings in `row` and what the nodes say."""
    nodes = list(renderings)
    return [_state(name, row, nodes) for name in LABELS]


def _state(name: str, row: SiteSettings, nodes: list[Rendering]) -> NetworkTest:
    lacks = tuple((node.node, str(node.missing[name])) for node in nodes if name in node.missing)
    wanted = row.network_tests and getattr(row, name)
    state = "missing" if lacks else "on" if wanted else "off"
    return NetworkTest(name, LABELS[name], LEAVES[name], state, lacks)
