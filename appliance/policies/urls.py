"""Addresses of policies, ban rule sets and sender lists; a key is in its printed form: "@.",
"example.com".
"""

from django.urls import path

from appliance.policies.views import banrules, layers, senders

urlpatterns = [
    path("policies/", layers.policies, name="policies"),
    path("policies/banrules/", banrules.ban_sets, name="ban_sets"),
    path("policies/banrules/<str:name>/", banrules.ban_set, name="ban_set"),
    path("policies/banrules/<str:name>/remove/", banrules.ban_set_remove, name="ban_set_remove"),
    path("policies/<path:key>/", layers.policy, name="policy"),
    path("senders/", senders.senders, name="senders"),
    path("senders/<path:key>/remove/", senders.drop_sender, name="sender_remove"),
    path("senders/<path:key>/", senders.sender_list, name="sender_list"),
]
