"""Addresses of the overview, the lists of mail, and one message."""

from django.urls import path

from quarantine.views import golive, lists, mails, overview, raw, release, whatif

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("metrics", overview.metrics, name="metrics"),
    path("golive/", golive.going_live, name="going_live"),
    path("golive/mark/", golive.golive_mark, name="golive_mark"),
    path("golive/do/", golive.golive_do, name="golive_do"),
    path("quarantine/", lists.quarantine, name="quarantine"),
    path("mails/", lists.mails, name="mails"),
    path("whatif/<path:key>/", whatif.whatif, name="whatif"),
    path("mails/<str:mail_id>/", mails.mail, name="mail"),
    path("mails/<str:mail_id>/raw/", raw.raw, name="raw"),
    path("mails/<str:mail_id>/<int:pk>/release/", release.release_copy, name="release"),
    path("mails/<str:mail_id>/<int:pk>/decline/", release.decline_release, name="decline"),
    path("mails/<str:mail_id>/<int:pk>/delete/", release.delete_copy, name="delete"),
    path("mails/<str:mail_id>/<int:pk>/restore/", release.restore_copy, name="restore"),
]
