"""One message as a person may see it: found by id within the person's scope, or a 404."""

from dataclasses import dataclass

from django.http import Http404

from appliance.accounts.access import recipients_of
from appliance.accounts.models import User
from quarantine.models import COPY_STATES, HeldState, MailRecord, RecipientRecord
from quarantine.search import Filters, find_mails

_KEPT = (*COPY_STATES, HeldState.RELEASED, HeldState.DELETED)


@dataclass(frozen=True, slots=True)
class VisibleMail:
    """One message and those of its recipients that lie in the person's scope: at least one."""

    mail: MailRecord
    recipients: list[RecipientRecord]

    @property
    def has_copy(self) -> bool:
        """Tell whether the octets are kept for one of these recipients."""
        return self.mail.has_body and any(row.state in _KEPT for row in self.recipients)


def find_mail(person: User, mail_id: str) -> VisibleMail:
    """Return the message with this id, or with an id of a later attempt of it.  Raises Http404."""
    found = find_mails(recipients_of(person), Filters(mail_id=mail_id), limit=1).rows
    if not found:
        raise Http404
    return VisibleMail(found[0], list(found[0].recipients.all()))


def find_recipient(person: User, mail_id: str, pk: int) -> RecipientRecord:
    """Return one recipient of a message.  Raises Http404."""
    rows = find_mail(person, mail_id).recipients
    row = next((row for row in rows if row.pk == pk), None)
    if row is None:
        raise Http404
    return row
