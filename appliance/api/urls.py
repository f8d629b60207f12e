"""Addresses of the REST API, of its description, and of the screen for one's own tokens."""

from django.urls import include, path
from django.views.decorators.cache import cache_page
from drf_spectacular.views import SpectacularJSONAPIView

from appliance.api import views
from appliance.api.routes import ROUTES

SCHEMA_SECONDS = 3600  # how long the document is kept: it changes with the program only

urlpatterns = [
    path("api/", views.overview, name="api"),
    path(
        "api/schema/",
        cache_page(SCHEMA_SECONDS)(SpectacularJSONAPIView.as_view()),
        name="api_schema",
    ),
    path("api/v1/", include(ROUTES)),
    path("account/tokens/", views.tokens, name="tokens"),
    path("account/tokens/revoke/", views.drop_token, name="token_revoke"),
]
