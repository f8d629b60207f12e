"""What the site wants: its policy, and the words of its notices."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from smtpfilter.mail.address import Address
from smtpfilter.policy.layers import PolicyBook
from smtpfilter.verdict.texts import Text


class PolicySource(Protocol):
    def load(self, senders: Sequence[Address], recipients: Sequence[Address]) -> PolicyBook:
        """Return all stored policy that may matter for this message, in one query.

        `senders`: envelope sender first, then the authors of the From field (W-1).  Raises
        PolicyUnavailable.
        """
        ...


class Templates(Protocol):
    """The words of notices, as the site wants them."""

    def text(self, kind: str, language: str, facts: Mapping[str, Any]) -> Text:
        """Return the site's text with `facts` filled in, else the one that is shipped; of an
        unknown language the English one.

        Raises PolicyUnavailable.
        """
        ...

    def from_address(self) -> str:
        """Return who notices come from, "" for postmaster at our own name.

        Raises PolicyUnavailable.
        """
        ...
