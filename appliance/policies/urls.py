"""Addresses of policies and sender lists; a key is in its printed form: "@.", "example.com"."""

from django.urls import path

from appliance.policies.views import layers, senders

urlpatterns = [
    path("policies/", layers.policies, name="policies"),
    path("policies/<path:key>/", layers.policy, name="policy"),
    path("senders/", senders.senders, name="senders"),
    path("senders/<path:key>/remove/", senders.drop_sender, name="sender_remove"),
    path("senders/<path:key>/", senders.sender_list, name="sender_list"),
]
