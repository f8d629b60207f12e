"""ports.Templates: the site's words from Postgres, else the shipped ones from files."""

import logging
from collections.abc import Mapping
from typing import Any

from django.db import Error, close_old_connections, connection

from appliance.notices.models import NoticeTemplate
from appliance.notices.shipped import shipped
from appliance.status.models import SiteSettings
from smtpfilter.errors import PolicyUnavailable
from smtpfilter.verdict.texts import BadTemplate, Template, Text, render

_log = logging.getLogger("postern")


class DatabaseTemplates:
    """Thread-safe: each thread has its own connection."""

    def text(self, kind: str, language: str, facts: Mapping[str, Any]) -> Text:
        """Return the text of a notice (ports.Templates).

        A stored template that fails on these facts costs no notice: the shipped one is taken.
        """
        stored = self._stored(kind, language)
        if stored:
            try:
                return render(stored, facts)
            except BadTemplate as error:
                _log.error("notice template %s (%s) failed: %s", kind, language, error)
        return render(shipped(kind, language), facts)

    def from_address(self) -> str:
        """Return who notices come from (ports.Templates)."""
        try:
            _fresh_connection()
            return SiteSettings.load().notice_from
        except Error as error:
            raise PolicyUnavailable(str(error)) from error

    def _stored(self, kind: str, language: str) -> Template | None:
        try:
            _fresh_connection()
            tags = {language.lower(), language.lower().partition("-")[0]}
            rows = NoticeTemplate.objects.filter(kind=kind, language__in=tags)
            row = rows.order_by("-language").first()  # de-at before de
        except Error as error:
            raise PolicyUnavailable(str(error)) from error
        return Template(row.subject, row.body) if row else None


def _fresh_connection() -> None:
    """Replace a connection that died meanwhile; inside a transaction it is the caller's."""
    if not connection.in_atomic_block:
        close_old_connections()
