"""Every resource with its address below /api/v1/."""

from django.urls import URLPattern, path

from appliance.api.resources import banrules, domains, mails, policies, senders, site, users

ROUTES: list[URLPattern] = [
    path("policies/", policies.Layers.as_view(), name="api_policies"),
    path("policies/<path:key>/", policies.OneLayer.as_view(), name="api_policy"),
    path("policy-fields/", policies.Fields.as_view(), name="api_policy_fields"),
    path("named-policies/", policies.NamedPolicies.as_view(), name="api_named_policies"),
    path("named-policies/<str:name>/", policies.OneNamedPolicy.as_view(), name="api_named_policy"),
    path("explain/", policies.Explain.as_view(), name="api_explain"),
    path("senders/", senders.Senders.as_view(), name="api_senders"),
    path("banrules/", banrules.BanSets.as_view(), name="api_ban_sets"),
    path("banrules/<str:name>/", banrules.OneBanSet.as_view(), name="api_ban_set"),
    path("domains/", domains.Domains.as_view(), name="api_domains"),
    path("domains/<str:name>/", domains.OneDomain.as_view(), name="api_domain"),
    path("mailboxes/", domains.Mailboxes.as_view(), name="api_mailboxes"),
    path("mailboxes/<path:address>/", domains.OneMailbox.as_view(), name="api_mailbox"),
    path("networks/", domains.Networks.as_view(), name="api_networks"),
    path("settings/", site.Settings.as_view(), name="api_settings"),
    path("health/", site.Health.as_view(), name="api_health"),
    path("mails/", mails.Mails.as_view(), name="api_mails"),
    path("mails/<str:mail_id>/", mails.OneMail.as_view(), name="api_mail"),
    path("quarantine/", mails.Quarantine.as_view(), name="api_quarantine"),
    path("quarantine/<str:mail_id>/", mails.OneCopy.as_view(), name="api_copy"),
    path("quarantine/<str:mail_id>/release/", mails.Release.as_view(), name="api_release"),
    path("quarantine/<str:mail_id>/delete/", mails.Delete.as_view(), name="api_delete"),
    path("quarantine/<str:mail_id>/learn/", mails.Learn.as_view(), name="api_learn"),
    path("users/", users.Users.as_view(), name="api_users"),
    path("users/<str:email>/", users.OneUser.as_view(), name="api_user"),
    path("users/<str:email>/password/", users.Password.as_view(), name="api_user_password"),
]
