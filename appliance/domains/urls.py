"""Addresses of local domains and mailboxes."""

from django.urls import path

from appliance.domains import views

urlpatterns = [
    path("domains/", views.domains, name="domains"),
    path("domains/<str:name>/", views.domain, name="domain"),
    path("domains/<str:name>/remove/", views.drop_domain, name="domain_remove"),
    path("mailboxes/<path:address>/remove/", views.drop_mailbox, name="mailbox_remove"),
]
