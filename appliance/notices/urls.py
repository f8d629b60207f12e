"""Addresses of the words of notices."""

from django.urls import path

from appliance.notices import views

urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/<slug:kind>/<slug:language>/", views.notice, name="notice"),
    path("notices/<slug:kind>/<slug:language>/reset/", views.reset, name="notice_reset"),
]
