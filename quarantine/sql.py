"""The statements of the mail path: what store.py executes, one per table.

Names are constants, values are parameters.  `%s` alone behind VALUES stands for many rows
(psycopg2.extras.execute_values).
"""
# ruff: noqa: S608 - only constants of ours are put into the statements

MAIL_COLUMNS = (
    "id, received_at, peer, protocol, client_address, client_name, client_port, client_proto,"
    " client_helo, client_ident, client_source, mail_from, mail_from_canonical, mail_from_path,"
    " body_type, smtputf8, ret, envid, subject, message_id, header_from, size_bytes, sha256, score,"
    " findings, revision, originating, has_body"
)
_MAIL_VALUES = ", ".join(["%s"] * len(MAIL_COLUMNS.split(",")))
RECIPIENT_COLUMNS = (
    "mail_id, position, path, orcpt, notify, address, canonical, owner, domain, category, destiny,"
    " blocked, outcome, state, reply, reasons, let_through, banned, settings, score, settled_at,"
    " expires_at"
)
ATTEMPT_COLUMNS = (
    "key, path, outcome, reply_code, reply_enhanced, reply_text, lease_owner, lease_until"
)

READ_SETTINGS = "SELECT recipient_delimiter, retention_days FROM status_sitesettings"

TAKE_KEY = """
    INSERT INTO quarantine_retry_key AS k (key, mail_id, faults, touched_at)
    VALUES (%s, %s, 0, now())
    ON CONFLICT (key) DO UPDATE
    SET mail_id = COALESCE(k.mail_id, EXCLUDED.mail_id), touched_at = EXCLUDED.touched_at
    RETURNING mail_id"""

COUNT_FAULT = """
    INSERT INTO quarantine_retry_key AS k (key, faults, touched_at) VALUES (%s, 1, now())
    ON CONFLICT (key) DO UPDATE SET faults = k.faults + 1, touched_at = EXCLUDED.touched_at
    RETURNING faults"""

# Times are compared in Postgres, whose clock all hosts share.
FIND_ATTEMPTS = """
    SELECT path, outcome, reply_code, reply_enhanced, reply_text, reply_hop, lease_owner,
           COALESCE(lease_until > clock_timestamp(), false)
    FROM quarantine_attempt WHERE key = %s AND path = ANY(%s)"""

ATTEMPT_VALUES = "(%s, %s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))"
WRITE_ATTEMPTS = f"""
    INSERT INTO quarantine_attempt ({ATTEMPT_COLUMNS}) VALUES %s
    ON CONFLICT (key, path) DO UPDATE
    SET outcome = EXCLUDED.outcome, reply_code = EXCLUDED.reply_code,
        reply_enhanced = EXCLUDED.reply_enhanced, reply_text = EXCLUDED.reply_text, reply_hop = '',
        lease_owner = EXCLUDED.lease_owner, lease_until = EXCLUDED.lease_until"""

# Only a later attempt meets a row: an id that another message has already must never join the two.
WRITE_MAIL = f"""
    INSERT INTO quarantine_mail AS m ({MAIL_COLUMNS}) VALUES ({_MAIL_VALUES})
    ON CONFLICT (id) DO UPDATE
    SET later_ids = array_append(m.later_ids, %s), score = EXCLUDED.score,
        findings = EXCLUDED.findings, revision = EXCLUDED.revision,
        originating = EXCLUDED.originating, has_body = m.has_body OR EXCLUDED.has_body
    WHERE m.id <> %s"""

COUNT_RECIPIENTS = "SELECT count(*) FROM quarantine_recipient WHERE mail_id = %s"

# A copy that an earlier attempt kept stays kept, whatever became of it since.
WRITE_RECIPIENTS = f"""
    INSERT INTO quarantine_recipient AS r ({RECIPIENT_COLUMNS}) VALUES %s
    ON CONFLICT (mail_id, path) DO UPDATE
    SET category = EXCLUDED.category, destiny = EXCLUDED.destiny, blocked = EXCLUDED.blocked,
        outcome = EXCLUDED.outcome, state = COALESCE(r.state, EXCLUDED.state),
        reply = EXCLUDED.reply, reasons = EXCLUDED.reasons, let_through = EXCLUDED.let_through,
        banned = EXCLUDED.banned, settings = EXCLUDED.settings, score = EXCLUDED.score,
        settled_at = EXCLUDED.settled_at,
        expires_at = COALESCE(r.expires_at, EXCLUDED.expires_at)
    WHERE r.outcome IN ('pending', 'deferred')"""

# Sorted by the caller: two mails with the same new viruses wait for each other in one order.
SEE_VIRUSES = """
    INSERT INTO quarantine_seen_virus (name, first_seen_at) VALUES %s
    ON CONFLICT (name) DO NOTHING RETURNING name"""

# A few seconds later the next hop has mostly answered, and the notice can say what became of it.
NOTICE_VALUES = "(%s, %s, %s, %s, %s, 'waiting', now(), now() + interval '5 s', 0, '')"
WRITE_NOTICES = """
    INSERT INTO quarantine_notice
        (mail_id, kind, address, language, facts, state, created_at, not_before, tries, reply)
    VALUES %s ON CONFLICT (mail_id, kind, address) DO NOTHING"""

# In one order, and last of all: these rows are shared by all messages of a sender.
COUNT_HITS = """
    UPDATE policies_senderrule SET hits = hits + 1, last_hit_at = now()
    WHERE id IN (SELECT id FROM policies_senderrule WHERE id = ANY(%s)
                 ORDER BY id FOR NO KEY UPDATE)"""

# Mail of our own senders that the next hop took, to this sender or with an id that he answers.
FIND_PEN_PALS = """
    SELECT own, max(written_at) FROM (
        SELECT m.mail_from_canonical AS own, m.received_at AS written_at
        FROM quarantine_recipient r JOIN quarantine_mail m ON m.id = r.mail_id
        WHERE r.canonical = %(sender)s AND r.mail_id >= %(oldest)s AND r.outcome = 'delivered'
          AND m.originating AND m.mail_from_canonical = ANY(%(own)s)
        UNION ALL
        SELECT m.mail_from_canonical, m.received_at
        FROM quarantine_mail m
        WHERE m.originating AND m.message_id <> '' AND m.message_id = ANY(%(answered_ids)s)
          AND m.mail_from_canonical = ANY(%(own)s)
          AND EXISTS (SELECT FROM quarantine_recipient r
                      WHERE r.mail_id = m.id AND r.outcome = 'delivered')) AS letters
    WHERE written_at >= %(since)s
    GROUP BY own"""

SETTLE_RECIPIENTS = """
    UPDATE quarantine_recipient AS r
    SET outcome = v.outcome, reply = v.line,
        settled_at = CASE v.outcome WHEN 'deferred' THEN NULL ELSE now() END
    FROM (VALUES %s) AS v (mail_id, path, outcome, line, code, enhanced, text, hop)
    WHERE r.mail_id = v.mail_id AND r.path = v.path"""

SETTLE_ATTEMPTS = """
    UPDATE quarantine_attempt AS a
    SET outcome = v.outcome, reply_code = v.code, reply_enhanced = v.enhanced,
        reply_text = v.text, reply_hop = v.hop, lease_owner = '', lease_until = NULL
    FROM (VALUES %s) AS v (key, path, outcome, line, code, enhanced, text, hop)
    WHERE a.key = v.key AND a.path = v.path"""

# A lease that is given up ends at once.
SET_LEASE = """
    UPDATE quarantine_attempt
    SET lease_owner = %s, lease_until = clock_timestamp() + make_interval(secs => %s)
    WHERE key = %s AND lease_owner = %s"""
