"""Where released mail goes: to the next hop of FILTER_NOTIFY, so that it is not scanned again."""

from functools import cache

from smtpfilter.config import FilterConfig
from smtpfilter.ports.delivery import Relay
from smtpfilter.smtp.relay import SmtpRelay


@cache
def notify_relay() -> Relay:
    """Return this process's relay to it, as the environment says.  Raises ConfigError."""
    config = FilterConfig.from_environment()
    return SmtpRelay(config.notify, hostname=config.hostname)
