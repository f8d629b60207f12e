"""Local domains, mailboxes, and networks of clients."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from appliance.accounts.access import (
    Verb,
    managed_mailboxes,
    visible_domains,
    visible_mailboxes,
)
from appliance.accounts.guard import within
from appliance.api.fields import LONGEST_TEXT, Question, Text, body, query
from appliance.api.paging import Paged, piece
from appliance.api.resource import Resource, actor, person
from appliance.domains import edit
from appliance.domains.documents import domain_document, mailbox_document, network_document
from appliance.domains.models import Network
from appliance.policies.views.keys import key_in_address


class DomainDocument(serializers.Serializer[Any]):
    name = serializers.CharField()
    source = serializers.CharField(  # type: ignore[assignment]  # a field of this name
        required=False, help_text="Where it was read from."
    )


class NewDomain(Question):
    name = Text(help_text="example.com, or .example.com with all domains below it.")


class MailboxDocument(serializers.Serializer[Any]):
    address = serializers.CharField()
    owners = serializers.ListField(child=serializers.CharField(), help_text="Accounts.")


class NewMailbox(Question):
    address = Text()


class NetworkDocument(serializers.Serializer[Any]):
    cidr = serializers.CharField()
    profile = serializers.CharField()


class NewNetwork(Question):
    cidr = Text(help_text="192.0.2.0/24; ! before it excepts it from a wider one.")
    profile = Text(default="", help_text="The direction profile of mail from there.")


class NetworkNamed(Question):
    cidr = serializers.CharField(max_length=LONGEST_TEXT)


class Domains(Resource):
    subject = "domains"
    verbs = {"GET": (Verb.SEE_DOMAINS,), "POST": (Verb.EDIT_DOMAINS,)}

    @extend_schema(parameters=[Paged], responses=DomainDocument(many=True))
    def get(self, request: Request) -> Response:
        """List the local domains."""
        domains = visible_domains(person(request)).order_by("name")
        return piece(request, domains, query(request, Paged), domain_document)

    @extend_schema(request=NewDomain, responses={201: DomainDocument})
    def post(self, request: Request) -> Response:
        """Add a local domain."""
        domain = edit.add_domain(name=body(request, NewDomain)["name"], actor=actor(request))
        return Response(domain_document(domain), status=201)


class OneDomain(Resource):
    subject = "domains"
    verbs = {"GET": (Verb.SEE_DOMAINS,), "DELETE": (Verb.EDIT_DOMAINS,)}

    @extend_schema(responses=DomainDocument)
    def get(self, request: Request, name: str) -> Response:
        """Show a local domain."""
        return Response(
            domain_document(get_object_or_404(visible_domains(person(request)), name=name))
        )

    @extend_schema(responses={204: None})
    def delete(self, request: Request, name: str) -> Response:
        """Make a domain foreign again; layers and mailboxes in it stay."""
        found = get_object_or_404(visible_domains(person(request)), name=name)
        edit.remove_domain(name=found.name, actor=actor(request))
        return Response(status=204)


class Mailboxes(Resource):
    subject = "domains"
    verbs = {"GET": (Verb.SEE_DOMAINS,), "POST": (Verb.EDIT_MAILBOXES,)}

    @extend_schema(parameters=[Paged], responses=MailboxDocument(many=True))
    def get(self, request: Request) -> Response:
        """List the mailboxes that people may own."""
        mailboxes = visible_mailboxes(person(request)).order_by("address")
        found = mailboxes.prefetch_related("users")
        return piece(request, found, query(request, Paged), mailbox_document)

    @extend_schema(request=NewMailbox, responses={201: MailboxDocument})
    def post(self, request: Request) -> Response:
        """Add a mailbox."""
        address = within(person(request), key_in_address(body(request, NewMailbox)["address"]))
        mailbox = edit.add_mailbox(address=address, actor=actor(request))
        return Response(mailbox_document(mailbox), status=201)


class OneMailbox(Resource):
    subject = "domains"
    verbs = {"GET": (Verb.SEE_DOMAINS,), "DELETE": (Verb.EDIT_MAILBOXES,)}

    @extend_schema(responses=MailboxDocument)
    def get(self, request: Request, address: str) -> Response:
        """Show a mailbox with the accounts that own it."""
        found = get_object_or_404(visible_mailboxes(person(request)), address=address)
        return Response(mailbox_document(found))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, address: str) -> Response:
        """Forget a mailbox and who owns it."""
        found = get_object_or_404(managed_mailboxes(person(request)), address=address)
        edit.remove_mailbox(address=found.address, actor=actor(request))
        return Response(status=204)


class Networks(Resource):
    subject = "networks"
    verbs = {
        "GET": (Verb.SEE_POLICY,),
        "POST": (Verb.EDIT_SITE,),
        "DELETE": (Verb.EDIT_SITE,),
    }

    @extend_schema(parameters=[Paged], responses=NetworkDocument(many=True))
    def get(self, request: Request) -> Response:
        """List the networks of clients."""
        return piece(request, Network.objects.all(), query(request, Paged), network_document)

    @extend_schema(request=NewNetwork, responses={201: NetworkDocument})
    def post(self, request: Request) -> Response:
        """Add a network, or change its profile."""
        network = edit.add_network(**body(request, NewNetwork), actor=actor(request))
        return Response(network_document(network), status=201)

    @extend_schema(parameters=[NetworkNamed], responses={204: None})
    def delete(self, request: Request) -> Response:
        """Remove a network."""
        edit.remove_network(cidr=query(request, NetworkNamed)["cidr"], actor=actor(request))
        return Response(status=204)
