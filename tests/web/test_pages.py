"""Every screen renders for those who may see it."""

import pytest

from smtpfilter.ports.journal import JournalRecipient
from smtpfilter.verdict.outcome import Outcome
from tests.evidence.builders import OK, held
from tests.web.conftest import Cast, record


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/quarantine/",
        "/mails/",
        "/policies/",
        "/policies/@./",
        "/policies/example.com/",
        "/policies/banrules/",
        "/policies/banrules/current/",
        "/policies/banrules/new-one/",
        "/networks/",
        "/profiles/outbound/",
        "/senders/",
        "/senders/@./",
        "/domains/",
        "/domains/example.com/",
        "/notices/",
        "/notices/virus_admin/en/",
        "/accounts/",
        "/status/",
    ],
)
def test_an_administrator_sees_every_screen(cast: Cast, path: str) -> None:
    record()

    response = cast.client("administrator").get(path)

    assert response.status_code == 200


def test_a_kept_copy_of_delivered_mail_does_not_hide_that_it_was_delivered(cast: Cast) -> None:
    """A lover gets the mail and a copy is kept: "held" alone would be a lie."""
    kept = held("olga@example.com")
    row = record(JournalRecipient(kept.verdict, Outcome.DELIVERED, OK))

    page = cast.client("owner").get(f"/mails/{row.mail.mail_id}/").content.decode()

    assert ">Delivered</span>" in page
    assert ">Copy: Held</span>" in page
