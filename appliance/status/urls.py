"""Addresses for monitoring, the state of the appliance, and its settings."""

from django.urls import path

from appliance.status import queue_views, settings_views, views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("status/", views.state, name="status"),
    path("status/alarms/dismiss/", views.alarm_dismiss, name="alarm_dismiss"),
    path("status/queue/", queue_views.show, name="queue"),
    path("status/queue/deed/", queue_views.deed, name="queue_deed"),
    path("settings/", settings_views.site_settings, name="site_settings"),
    path("settings/trace/", settings_views.trace_add, name="trace_add"),
    path("settings/trace/remove/", settings_views.trace_remove, name="trace_remove"),
]
