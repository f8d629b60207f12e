"""Every address of the web side, subject by subject; login and second factor are allauth's."""

from django.urls import include, path

urlpatterns = [
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("", include("appliance.accounts.urls")),
    path("", include("appliance.domains.urls")),
    path("", include("appliance.policies.urls")),
    path("", include("appliance.status.urls")),
    path("", include("quarantine.urls")),
]
