"""Addresses of bulk learning."""

from django.urls import path

from appliance.engines import learning_views

urlpatterns = [
    path("engines/learning/", learning_views.learning, name="learning"),
    path("engines/learning/<int:pk>/stop/", learning_views.learning_stop, name="learning_stop"),
]
