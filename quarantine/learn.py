"""Teaching the spam scanner by a held copy: it joins the mail that the workers learn."""

from io import BytesIO

from django.db import transaction

from appliance.accounts.access import Verb
from appliance.accounts.models import User
from appliance.engines.learning import start_upload
from appliance.engines.learning_models import LearningJob
from appliance.engines.stored_mail import MOST_BYTES
from quarantine.errors import Expired
from quarantine.held import find
from quarantine.octets import BodyDamaged, stored_octets
from smtpfilter.scan.spamd import Kind


@transaction.atomic
def learn_held(*, recipient_id: int, kind: Kind, actor: User) -> LearningJob:
    """Have the copy learnt as `kind`: it counts for the whole site, and so asks for EDIT_SITE.

    Raises ReleaseError.
    """
    row = find(recipient_id=recipient_id, actor=actor, verb=Verb.EDIT_SITE)
    source = f"{row.mail.mail_id} for {row.address}"
    try:
        with stored_octets(row.mail) as octets:
            file = BytesIO(bytes(octets[:MOST_BYTES]))
        return start_upload(kind=kind, source=source, file=file, actor=actor.email)
    except BodyDamaged:
        raise Expired("No copy of this mail is kept any more.") from None
