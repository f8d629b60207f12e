"""The next hops that policies name: one relay for each forward_method (E-10).

Each hop has one relay, in whatever lists it stands, and so one store of kept connections.
"""

import logging
import threading

from smtpfilter.config import Endpoint
from smtpfilter.mail.reply import Reply
from smtpfilter.policy.routes import BadRoute, Hop, parse_forward_method
from smtpfilter.ports.delivery import Handover, Relay, Submission
from smtpfilter.smtp.connection import Timeouts
from smtpfilter.smtp.failover import FailOver
from smtpfilter.smtp.relay import SmtpRelay

log = logging.getLogger("postern.smtp")

_SETUP_FAULT = Reply(451, "4.3.5", "The way to the next hop is not set up")


class RouteTable:
    """ports.Routes.  `site` is the site's own next hop; `hostname` names us to the others."""

    def __init__(self, site: Relay, hostname: str, timeouts: Timeouts | None = None) -> None:
        self._site = site
        self._hostname = hostname
        self._timeouts = timeouts
        self._relays: dict[Hop, SmtpRelay] = {}
        self._lock = threading.Lock()

    def relay(self, forward_method: str) -> Relay:
        try:
            hops = parse_forward_method(forward_method)
        except BadRoute as error:
            return _NoWay(str(error))
        if not hops:
            return self._site
        return FailOver([self._relay_to(hop) for hop in dict.fromkeys(hops)])

    def close(self) -> None:
        self._site.close()
        with self._lock:
            for relay in self._relays.values():
                relay.close()

    def _relay_to(self, hop: Hop) -> SmtpRelay:
        with self._lock:
            if hop not in self._relays:
                self._relays[hop] = SmtpRelay(
                    Endpoint(path=hop.path, host=hop.host, port=hop.port),
                    self._hostname,
                    self._timeouts,
                    lmtp=hop.protocol == "lmtp",
                )
            return self._relays[hop]


class _NoWay:
    """ports.Relay where a forward_method cannot be read: the mail stays with the sender (R4)."""

    def __init__(self, why: str) -> None:
        self.name = ""
        self._why = why

    def send(self, submission: Submission) -> Handover:
        log.error("alarm: fault of set-up: forward_method: %s", self._why)
        return Handover((_SETUP_FAULT,) * len(submission.recipients), self.name)

    def close(self) -> None:
        """There is nothing to close."""
