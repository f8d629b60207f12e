"""Addresses for monitoring, and the state of the appliance."""

from django.urls import path

from appliance.status import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("status/", views.state, name="status"),
    path("status/alarms/dismiss/", views.alarm_dismiss, name="alarm_dismiss"),
]
