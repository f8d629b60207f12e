"""Every address of the web side, subject by subject."""

from django.urls import include, path

urlpatterns = [
    path("", include("appliance.accounts.urls")),
    path("", include("appliance.api.urls")),
    path("", include("appliance.domains.urls")),
    path("", include("appliance.engines.urls")),
    path("", include("appliance.notices.urls")),
    path("", include("appliance.policies.urls")),
    path("", include("appliance.status.urls")),
    path("", include("appliance.ui.urls")),
    path("", include("appliance.why.urls")),
    path("", include("quarantine.urls")),
]
