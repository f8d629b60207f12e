"""PolicySource on Postgres: all that may matter for one message in one indexed query; no cache.

The query finds rows by key; which of them count is decided by smtpfilter.policy.  All comes as one
JSON document, so that a message costs one round trip (design 4.5).
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakSet

from django.db import Error, close_old_connections, connection

from appliance.policies.columns import settings_of
from smtpfilter.errors import PolicyUnavailable
from smtpfilter.mail.address import Address
from smtpfilter.policy.layers import BanRule, Layer, Network, PolicyBook, Profile, SenderRule
from smtpfilter.policy.lookup import SITE, candidate_keys
from smtpfilter.policy.site import Limits, NamePoints, PenPalTerms, Site

DEFAULT_DELIMITER = "+"
_MEGABYTE = 1_000_000

# Prepared once per connection: planning would take longer than finding the rows.  Columns that
# inherit are left out: most of a layer's eighty are.
_PREPARE = """
PREPARE policy_book (text[], text[], text[]) AS
WITH
  layers AS (
    SELECT jsonb_strip_nulls(to_jsonb(layer)) AS own, jsonb_strip_nulls(to_jsonb(named)) AS named
      FROM policies_policylayer layer
      LEFT JOIN policies_namedpolicy named ON named.id = layer.policy_id
     WHERE layer.key = ANY($1)),
  rules AS (
    SELECT key, sender, action, points, expires_at, authenticated, source, id AS number
      FROM policies_senderrule
     WHERE sender = ANY($2) AND key = ANY($1))
SELECT jsonb_build_object(
  'layers', (SELECT jsonb_agg(jsonb_build_array(own, named)) FROM layers),
  'domains', (SELECT jsonb_agg(name) FROM domains_domain WHERE name = ANY($3)),
  'senders', (SELECT jsonb_agg(to_jsonb(rules)) FROM rules),
  'ban_sets', (SELECT jsonb_object_agg(name, rules) FROM policies_banruleset),
  'networks', (SELECT jsonb_object_agg(cidr, profile) FROM domains_network),
  'profiles', (SELECT jsonb_agg(jsonb_strip_nulls(to_jsonb(p))) FROM policies_profile p),
  'traced', (SELECT jsonb_agg(sender) FROM status_tracedsender WHERE sender = ANY($2)),
  'site', (SELECT to_jsonb(site) FROM status_sitesettings site),
  'roles', (SELECT jsonb_object_agg(name, role) FROM engines_scannerrole),
  'name_points', (
    SELECT jsonb_agg(jsonb_build_array(pattern, points, comment) ORDER BY position)
      FROM engines_virusnamerule),
  'revision', (SELECT max(number) FROM policies_policychange))::text
"""
_EXECUTE = "EXECUTE policy_book (%s, %s, %s)"
_EVERY_KEY = """
SELECT ARRAY(SELECT key FROM policies_policylayer UNION SELECT key FROM policies_senderrule),
       ARRAY(SELECT DISTINCT sender FROM policies_senderrule),
       ARRAY(SELECT name FROM domains_domain)"""

_prepared: WeakSet[Any] = WeakSet()  # connections of psycopg2 that know the statement


class DatabasePolicySource:
    """Thread-safe: each thread has its own connection."""

    def load(self, senders: Sequence[Address], recipients: Sequence[Address]) -> PolicyBook:
        """Return all stored policy that may matter for this message.  Raises PolicyUnavailable.

        Outside a transaction a connection that died meanwhile is made anew; inside one it is the
        caller's.
        """
        of_senders = _keys(senders)
        of_recipients = _keys(recipients)
        domains = [key for key in of_senders | of_recipients if "@" not in key]
        try:
            if not connection.in_atomic_block:
                close_old_connections()
            return _read([list(of_recipients), list(of_senders), domains])
        except Error as error:
            raise PolicyUnavailable(str(error)) from error

    def load_all(self) -> PolicyBook:
        """Return all stored policy, for everybody: for a replay, not for the mail path."""
        with connection.cursor() as cursor:
            cursor.execute(_EVERY_KEY)
            return _read(list(cursor.fetchone()))


def _read(keys: list[list[str]]) -> PolicyBook:
    """Return what is stored under these keys of recipients, of senders, and domains."""
    with connection.cursor() as cursor:
        if connection.connection not in _prepared:
            cursor.execute(_PREPARE)
            _prepared.add(connection.connection)
        cursor.execute(_EXECUTE, keys)
        (text,) = cursor.fetchone()
    return _book(json.loads(text))


def _keys(addresses: Iterable[Address]) -> frozenset[str]:
    return frozenset({SITE}).union(*map(candidate_keys, addresses))


def _book(found: dict[str, Any]) -> PolicyBook:
    """Return what the query found; a kind of which there are no rows is null."""
    site = found["site"] or {}
    return PolicyBook(
        layers=tuple(_layer(own, named or {}) for own, named in found["layers"] or ()),
        domains=frozenset(found["domains"] or ()),
        senders=tuple(map(_sender_rule, found["senders"] or ())),
        ban_sets={name: _rules(rules) for name, rules in (found["ban_sets"] or {}).items()},
        networks=tuple(Network(*row) for row in sorted((found["networks"] or {}).items())),
        profiles={row["name"]: _profile(row) for row in found["profiles"] or ()},
        sender_authentication=site.get("sender_authentication", False),
        traced=frozenset(found["traced"] or ()),
        recipient_delimiter=site.get("recipient_delimiter", DEFAULT_DELIMITER),
        site=_site(site, found),
        revision=found["revision"] or 0,
    )


def _site(row: dict[str, Any], found: dict[str, Any]) -> Site:
    """Return the site's choices; roles and virus names count without a row of settings, too."""
    roles = found["roles"] or {}
    name_points = tuple(NamePoints(*rule) for rule in found["name_points"] or ())
    if not row:
        return Site(roles=roles, name_points=name_points)
    return Site(
        limits=Limits(
            levels=row["unpack_levels"],
            parts=row["unpack_parts"],
            content_bytes=row["unpack_megabytes"] * _MEGABYTE,
            ratio=row["unpack_ratio"],
            free_bytes=row["unpack_free_megabytes"] * _MEGABYTE,
            seconds=row["unpack_seconds"],
        ),
        virus_scanning=row["virus_scanning"],
        roles=roles,
        first_finding_ends=row["first_finding_ends"],
        remember_seconds=row["remember_seconds"],
        spam_engine=row["spam_engine"],
        rspamd_factor=row["rspamd_factor"],
        spam_body_bytes=row["spam_body_kilobytes"] * 1024,
        name_points=name_points,
        pen_pals=PenPalTerms(
            bonus=row["penpals_bonus_score"],
            halflife_days=row["penpals_halflife_days"],
            threshold_low=row["penpals_threshold_low"],
            threshold_high=row["penpals_threshold_high"],
        ),
    )


def _layer(own: dict[str, Any], named: dict[str, Any]) -> Layer:
    return Layer(
        key=own["key"],
        settings=settings_of(own),
        policy_name=named.get("name", ""),
        policy_settings=settings_of(named),
        priority=own.get("priority"),
        locked=frozenset(own["locked"]),
        source=own["source"],
    )


def _profile(row: dict[str, Any]) -> Profile:
    return Profile(
        name=row["name"],
        settings=settings_of(row),
        originating=row["originating"],
        ports=frozenset(row["ports"]),
        authenticated=row["authenticated"],
    )


def _sender_rule(row: dict[str, Any]) -> SenderRule:
    expires_at = row["expires_at"]
    return SenderRule(
        **{
            **row,
            "points": float(row["points"]),
            "expires_at": expires_at and datetime.fromisoformat(expires_at),
        }
    )


def _rules(rules: list[dict[str, Any]]) -> tuple[BanRule, ...]:
    return tuple(BanRule(**rule) for rule in rules)
