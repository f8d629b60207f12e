"""The octets as received, as a download that no browser opens by itself."""

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from appliance.accounts.access import Verb
from appliance.accounts.guard import allowed
from quarantine.held import record
from quarantine.models import Deed
from quarantine.octets import read_pieces
from quarantine.visible import find_mail


@require_safe
def raw(request: HttpRequest, mail_id: str) -> StreamingHttpResponse:
    """Stream the message; who took it is on record."""
    person = allowed(request, Verb.READ_MAIL)
    found = find_mail(person, mail_id)
    if not found.has_copy:
        raise Http404
    if request.method == "GET":
        record(found.recipients[0], deed=Deed.DOWNLOAD, actor=person.email)
    response = StreamingHttpResponse(
        read_pieces(found.mail.pk), content_type="application/octet-stream"
    )
    response["Content-Disposition"] = f'attachment; filename="{found.mail.mail_id}.eml"'
    response["Content-Length"] = str(found.mail.size_bytes)
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
