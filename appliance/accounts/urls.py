"""Addresses of login, password and second factors, which are allauth's views, and of the accounts'
screens.
"""

from allauth.account import views as allauth
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from django.urls import include, path
from django.views.generic import RedirectView

from appliance.accounts import account_views, views
from appliance.accounts.session_views import end_all_others, end_one, sessions

passkeys = [
    path("", RedirectView.as_view(pattern_name="mfa_index"), name="mfa_list_webauthn"),
    path("add/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("<int:pk>/name/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
]
security = [
    path("", mfa.index, name="mfa_index"),
    path("app/", totp.activate_totp, name="mfa_activate_totp"),
    path("app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("codes/file/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("passkeys/", include(passkeys)),
    path("confirm/", allauth.reauthenticate, name="account_reauthenticate"),
    path("confirm/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("confirm/passkey/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("sessions/", sessions, name="sessions"),
    path("sessions/end/", end_all_others, name="sessions_end"),
    path("sessions/<int:pk>/end/", end_one, name="session_end"),
]
urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("login/code/", mfa.authenticate, name="mfa_authenticate"),
    path("login/passkey/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path("logout/", allauth.logout, name="account_logout"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path(
        "password/new/<slug:uidb36>/<path:key>/",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/new/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("security/", include(security)),
    path("accounts/", views.accounts, name="accounts"),
    path("accounts/<int:pk>/", account_views.account, name="account"),
    path("accounts/<int:pk>/scope/", account_views.change_account, name="account_scope"),
    path("accounts/<int:pk>/link/", account_views.link_account, name="account_link"),
    path("accounts/<int:pk>/help/", account_views.help_account, name="account_help"),
    path("accounts/<int:pk>/active/", account_views.switch_account, name="account_active"),
    path("accounts/<int:pk>/remove/", account_views.drop_account, name="account_remove"),
]
