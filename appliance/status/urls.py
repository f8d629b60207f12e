"""Addresses of this subject's screens."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
