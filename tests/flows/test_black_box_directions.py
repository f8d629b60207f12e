"""Direction profiles over real sockets: by listening port, client network and login (E-5)."""

from collections.abc import Callable
from typing import Any

from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import send_mail
from tests.flows.black_box import BOB, CAROL, Box
from tests.flows.mails import EICAR, mail
from tests.flows.running import free_port

OUTBOUND = "198.51.100.7"


def test_mail_from_a_network_has_its_own_rules(box: Box) -> None:
    """They go before those of the recipients; of other clients nothing changes."""
    box.manage("profiles", "set", "outbound", "virus_destiny=reject", "spam_destiny=bounce")
    box.manage("networks", "add", "198.51.100.0/24", "--profile", "outbound")
    box.set(BOB, "virus_destiny=pass")
    try:
        out = box.send(mail(EICAR), BOB, CAROL, xforward=f"ADDR={OUTBOUND}")
        assert out.startswith("554 5.7.0 Reject")
        assert any("outbound" in reason for reason in box.row(BOB)["reasons"])
        inward = box.send(mail(EICAR), BOB, CAROL, xforward="ADDR=192.0.2.7")
        assert inward.endswith(", but 1 DISCARD")
    finally:
        box.manage("networks", "remove", "198.51.100.0/24")
        box.manage("profiles", "remove", "outbound")


def test_mail_that_came_in_by_a_port_has_its_own_rules(
    own_filter: Callable[..., Any], hop: NextHop, box: Box
) -> None:
    """FILTER_LISTEN names several addresses; the profile goes by the port that was used."""
    first, second = free_port(), free_port()
    box.manage("profiles", "set", "submission", "virus_destiny=reject", "--port", str(second))
    listen = f"127.0.0.1:{first},127.0.0.1:{second}"
    try:
        with own_filter(hop, FILTER_LISTEN=listen, **box.engines.settings):
            (usual,) = send_mail(("127.0.0.1", first), mail(EICAR), recipients=[BOB])
            (other,) = send_mail(("127.0.0.1", second), mail(EICAR), recipients=[BOB])
    finally:
        box.manage("profiles", "remove", "submission")
    assert usual.startswith("250 2.7.0 Ok, discarded")
    assert other.startswith("554 5.7.0 Reject")
