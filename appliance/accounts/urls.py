"""Addresses of login and password, which are allauth's views, and of the accounts' screens."""

from allauth.account import views as allauth
from django.urls import path

from appliance.accounts import views

urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<int:pk>/", views.account, name="account"),
    path("accounts/<int:pk>/active/", views.switch_account, name="account_active"),
    path("accounts/<int:pk>/remove/", views.drop_account, name="account_remove"),
]
