"""Messages that came by, and the copies that are held of them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import Verb, recipients_of
from appliance.api.fields import Question, Text, body, query
from appliance.api.paging import Limited, answer
from appliance.api.resource import Resource, person
from quarantine.bin import delete_held
from quarantine.documents import (
    full_held_document,
    full_mail_document,
    held_document,
    mail_document,
    release_document,
)
from quarantine.learn import learn_held
from quarantine.models import HeldState, RecipientRecord
from quarantine.nexthop import notify_relay
from quarantine.release import release_now
from quarantine.search import Filters, Page, find_copy, find_mails, find_recipients, parse_since
from quarantine.views.release import WAIT_SECONDS
from quarantine.visible import find_mail
from smtpfilter.verdict.category import Category
from smtpfilter.verdict.outcome import Outcome

LONGEST = 1100  # characters of an address, or of a time


@extend_schema_field(OpenApiTypes.STR)
class Since(serializers.CharField):
    def to_internal_value(self, data: Any) -> Any:
        try:
            return parse_since(super().to_internal_value(data))
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError(str(error)) from None


class Asked(Limited):
    """What both lists can be narrowed by."""

    recipient = serializers.CharField(
        required=False, max_length=LONGEST, help_text="Exact but for case."
    )
    sender = serializers.CharField(
        required=False, max_length=LONGEST, help_text="Exact but for case; <> is the null sender."
    )
    since = Since(required=False, help_text="RFC 3339, or ago: 15m, 2h, 7d.")
    category = serializers.ChoiceField(required=False, choices=[str(one) for one in Category])
    text = serializers.CharField(
        required=False, max_length=200, help_text="Part of subject or From."
    )
    after = serializers.CharField(
        default="", max_length=50, help_text="Where a piece begins; the header Link has it."
    )


class MailsAsked(Asked):
    outcome = serializers.ChoiceField(required=False, choices=[str(one) for one in Outcome])


class HeldAsked(Asked):
    state = serializers.ChoiceField(required=False, choices=[str(one) for one in HeldState])


class RecipientNamed(Question):
    recipient = serializers.CharField(max_length=LONGEST)


class Recipient(Question):
    recipient = Text(max_length=LONGEST)


class Lesson(Recipient):
    kind = serializers.ChoiceField(choices=["spam", "ham", "forget"])


class RecipientDocument(serializers.Serializer[Any]):
    address = serializers.CharField()
    category = serializers.CharField()
    destiny = serializers.CharField()
    outcome = serializers.CharField()
    state = serializers.CharField(allow_null=True)
    reply = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    score = serializers.FloatField(allow_null=True)
    rules = serializers.DictField(child=serializers.FloatField())


class MailDocument(serializers.Serializer[Any]):
    mail_id = serializers.CharField()
    received_at = serializers.DateTimeField()
    mail_from = serializers.CharField(help_text="Empty for the null sender.")
    subject = serializers.CharField()
    size_bytes = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    viruses = serializers.ListField(child=serializers.CharField())
    banned = serializers.ListField(child=serializers.CharField())
    rules = serializers.DictField(child=serializers.FloatField())
    recipients = RecipientDocument(many=True)


class FullMailDocument(MailDocument):
    message_id = serializers.CharField()
    header_from = serializers.CharField()
    sha256 = serializers.CharField()
    client = serializers.DictField()
    originating = serializers.BooleanField()
    revision = serializers.IntegerField()
    findings = serializers.DictField()


class HeldDocument(serializers.Serializer[Any]):
    mail_id = serializers.CharField()
    recipient = serializers.CharField()
    category = serializers.CharField()
    state = serializers.CharField()
    received_at = serializers.DateTimeField()
    mail_from = serializers.CharField()
    subject = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class FullHeldDocument(HeldDocument):
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    reply = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    let_through = serializers.ListField(child=serializers.CharField())
    banned = serializers.ListField(child=serializers.CharField())
    settings = serializers.DictField(help_text="Each field's value and origin, as they were then.")


class Released(serializers.Serializer[Any]):
    mail_id = serializers.CharField()
    recipient = serializers.CharField()
    state = serializers.CharField()
    reply = serializers.CharField()


class LessonDocument(serializers.Serializer[Any]):
    job = serializers.IntegerField()
    state = serializers.CharField()


class Mails(Resource):
    subject = "mails"
    verbs = {"GET": (Verb.LIST_MAIL,)}

    @extend_schema(parameters=[MailsAsked], responses=MailDocument(many=True))
    def get(self, request: Request) -> Response:
        """List messages, newest first, with what happened to each recipient."""
        return _listed(request, MailsAsked, find_mails, mail_document)


class OneMail(Resource):
    subject = "mails"
    verbs = {"GET": (Verb.LIST_MAIL,)}

    @extend_schema(responses=FullMailDocument)
    def get(self, request: Request, mail_id: str) -> Response:
        """Show one message with all that was found out about it."""
        return Response(full_mail_document(find_mail(person(request), mail_id).mail))


class Quarantine(Resource):
    subject = "quarantine"
    verbs = {"GET": (Verb.LIST_MAIL,)}

    @extend_schema(parameters=[HeldAsked], responses=HeldDocument(many=True))
    def get(self, request: Request) -> Response:
        """List held copies, one for each message and recipient, newest first."""
        return _listed(request, HeldAsked, partial(find_recipients, held=True), held_document)


class OneCopy(Resource):
    subject = "quarantine"
    verbs = {"GET": (Verb.LIST_MAIL,)}

    @extend_schema(parameters=[RecipientNamed], responses=FullHeldDocument)
    def get(self, request: Request, mail_id: str) -> Response:
        """Show one held copy: why it was held, and what became of it."""
        recipient = query(request, RecipientNamed)["recipient"]
        return Response(full_held_document(_copy(request, mail_id, recipient)))


class Release(Resource):
    subject = "quarantine"
    verbs = {"POST": (Verb.RELEASE,)}

    @extend_schema(request=Recipient, responses=Released)
    def post(self, request: Request, mail_id: str) -> Response:
        """Deliver a held copy and wait some seconds for the next hop's answer; where somebody else
        must grant it, ask for that (state requested).
        """
        row = _copy(request, mail_id, body(request, Recipient)["recipient"])
        after = release_now(
            recipient_id=row.pk,
            actor=person(request),
            relay=notify_relay(),
            seconds=WAIT_SECONDS,
        )
        return Response(release_document(after))


class Delete(Resource):
    subject = "quarantine"
    verbs = {"POST": (Verb.DELETE,)}

    @extend_schema(request=Recipient, responses=Released)
    def post(self, request: Request, mail_id: str) -> Response:
        """Put a held copy into the bin."""
        recipient = body(request, Recipient)["recipient"]
        row = _copy(request, mail_id, recipient)
        delete_held(recipient_id=row.pk, actor=person(request))
        return Response(release_document(_copy(request, mail_id, recipient)))


class Learn(Resource):
    subject = "quarantine"
    verbs = {"POST": (Verb.EDIT_SITE,)}

    @extend_schema(request=Lesson, responses={202: LessonDocument})
    def post(self, request: Request, mail_id: str) -> Response:
        """Teach the spam scanner by a held copy, which a worker does soon."""
        typed = body(request, Lesson)
        row = _copy(request, mail_id, typed["recipient"])
        job = learn_held(recipient_id=row.pk, kind=typed["kind"], actor=person(request))
        return Response({"job": job.pk, "state": job.state}, status=202)


def _listed(
    request: Request,
    question: type[Asked],
    find: Callable[..., Page[Any]],
    shown: Callable[[Any], Any],
) -> Response:
    """Answer with a piece of what `find` finds in the person's scope, each as `shown` says."""
    asked = query(request, question)
    limit, after = asked.pop("limit"), asked.pop("after")
    page = find(recipients_of(person(request)), Filters(**asked), limit=limit, after=after)
    return answer(request, [shown(row) for row in page.rows], "after", page.following)


def _copy(request: Request, mail_id: str, recipient: str) -> RecipientRecord:
    """Return the recipient's row with the copy.  Raises Http404."""
    row = find_copy(recipients_of(person(request)), mail_id, recipient)
    if row is None:
        raise Http404
    return row
