"""A box with mail going in and out: a real filter with engines that find what the test says.

box.engines.says(score=6.3)
reply = box.send(mail(), "bob@example.com")
box.copy("bob@example.com").subject
box.row("bob@example.com")["outcome"]
"""

import email
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from typing import Any

from appliance.status.edit import set_setting
from appliance.status.models import SiteSettings
from smtpfilter.mail.message import Message, parse
from tests.doubles.engines import Engines
from tests.doubles.next_hop import NextHop
from tests.doubles.upstream import Upstream
from tests.flows.running import RunningFilter

BOB, CAROL, DAVE, EVE = (f"{name}@example.com" for name in ("bob", "carol", "dave", "eve"))
OSCAR = "oscar@outside.example"  # of no local domain
SENDER = "sender@example.org"


@dataclass
class Box:
    """`manage` runs a command and returns its JSON."""

    filter: RunningFilter
    hop: NextHop
    engines: Engines
    manage: Any

    def set(self, key: str, *assignments: str) -> None:
        """Set fields at a lookup key."""
        self.manage("policy", "set", key, *assignments)

    def send(self, content: bytes, *recipients: str, sender: str = SENDER, **how: object) -> str:
        """Send one message; return the reply."""
        (reply,) = self.filter.send(content, *recipients, sender=sender, **how)
        return reply

    def send_each(self, content: bytes, *recipients: str, sender: str = SENDER) -> list[str]:
        """Send one message by LMTP; return the reply for each recipient."""
        return self.filter.send(content, *recipients, sender=sender, lmtp=True)

    def dialogue(self, *lines: str, content: bytes) -> list[str]:
        """Say the lines after EHLO, then the message; return all replies."""
        with Upstream(self.filter.address) as client:
            client.say("EHLO mx.example.com")
            return [*(client.say(line) for line in lines), client.message(content)]

    def got(self, address: str) -> bool:
        """Tell whether the recipient got a copy, and not two."""
        copies = self.hop.deliveries_to(address)
        assert len(copies) <= 1
        return bool(copies)

    def copy(self, address: str) -> Message:
        """Return the one copy that the recipient got."""
        (delivery,) = self.hop.deliveries_to(address)
        return parse(delivery.content or b"")

    def reports(self, address: str = SENDER) -> list[EmailMessage]:
        """Return the notices that went to the address."""
        found = [
            email.message_from_bytes(t.content or b"", policy=policy.default)
            for t in self.hop.deliveries_to(address)
            if t.mail.startswith("<>")
        ]
        return [message for message in found if isinstance(message, EmailMessage)]

    def entry(self) -> dict[str, Any]:
        """Return what the journal has of the newest message."""
        found: dict[str, Any] = self.manage("mails", "list", "--limit", "1")[0]
        return found

    def row(self, address: str) -> dict[str, Any]:
        """Return what the journal has of the newest message for the recipient."""
        rows: Sequence[dict[str, Any]] = self.entry()["recipients"]
        return next(row for row in rows if row["address"] == address)


@contextmanager
def site_setting(name: str, value: object) -> Iterator[None]:
    """Change a site-wide setting for a while."""
    before = getattr(SiteSettings.load(), name)
    set_setting(name=name, value=value, actor="test")
    try:
        yield
    finally:
        set_setting(name=name, value=before, actor="test")
