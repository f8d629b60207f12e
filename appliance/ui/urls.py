"""The one address of the looks."""

from django.urls import path

from appliance.ui.theme import theme

urlpatterns = [path("theme/", theme, name="theme")]
