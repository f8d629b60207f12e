"""The address of the screen that explains."""

from django.urls import path

from appliance.why.views import explain_page

urlpatterns = [path("explain/", explain_page, name="explain")]
