"""Addresses of policies, ban rule sets, networks, sender lists and recorded changes; a key is in
its printed form: "@.", "example.com".
"""

from django.urls import path

from appliance.policies.views import banrules, layers, networks, revisions, senders

urlpatterns = [
    path("policies/", layers.policies, name="policies"),
    path("policies/banrules/", banrules.ban_sets, name="ban_sets"),
    path("policies/banrules/<str:name>/", banrules.ban_set, name="ban_set"),
    path("policies/banrules/<str:name>/remove/", banrules.ban_set_remove, name="ban_set_remove"),
    path("policies/overrides/", layers.overrides, name="overrides"),
    path("policies/<path:key>/", layers.policy, name="policy"),
    path("networks/", networks.networks, name="networks"),
    path("networks/remove/", networks.drop_network, name="network_remove"),
    path("profiles/<str:name>/", networks.profile, name="profile"),
    path("profiles/<str:name>/remove/", networks.drop_profile, name="profile_remove"),
    path("revisions/", revisions.revisions, name="revisions"),
    path("revisions/<int:number>/", revisions.revision, name="revision"),
    path("revisions/<int:number>/revert/", revisions.revert, name="revert"),
    path("senders/", senders.senders, name="senders"),
    path("senders/<path:key>/remove/", senders.drop_sender, name="sender_remove"),
    path("senders/<path:key>/", senders.sender_list, name="sender_list"),
]
