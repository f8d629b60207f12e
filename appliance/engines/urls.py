"""Addresses of the engines, of names of viruses and of SpamAssassin's preferences."""

from django.urls import include, path

from appliance.engines import preferences_views, views, virus_names_views

urlpatterns = [
    path("engines/", views.engines, name="engines"),
    path("engines/role/", views.scanner_role, name="scanner_role"),
    path("engines/scanning/", views.virus_scanning, name="virus_scanning"),
    path("engines/node/forget/", views.node_forget, name="node_forget"),
    path("engines/answer/", views.engine_answer, name="engine_answer"),
    path("engines/virusnames/", virus_names_views.virus_names, name="virus_names"),
    path("engines/virusnames/reset/", virus_names_views.reset, name="virus_names_reset"),
    path("engines/preferences/", preferences_views.preferences, name="preferences"),
    path(
        "engines/preferences/<str:name>/", preferences_views.preference_list, name="preference_list"
    ),
    path(
        "engines/preferences/<str:name>/remove/",
        preferences_views.preference_remove,
        name="preference_remove",
    ),
    path("", include("appliance.engines.learning_urls")),
]
