"""Addresses of policies and sender lists; a key is in its printed form: "@.", "example.com"."""

from django.urls import path

from appliance.policies import views

urlpatterns = [
    path("policies/", views.policies, name="policies"),
    path("policies/<path:key>/", views.policy, name="policy"),
    path("senders/", views.senders, name="senders"),
    path("senders/<path:key>/remove/", views.drop_sender, name="sender_remove"),
    path("senders/<path:key>/", views.sender_list, name="sender_list"),
]
