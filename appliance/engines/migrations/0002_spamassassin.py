"""SpamAssassin's own tables for Bayes (its sql/bayes_pg.sql), so that all nodes share one store.

SpamAssassin reads and writes them; names, columns and the functions that it calls are its own.
"""

from django.db import migrations, models

_TABLES = """
CREATE TABLE bayes_global_vars (
    variable varchar(30) PRIMARY KEY DEFAULT '',
    value varchar(200) NOT NULL DEFAULT ''
);
INSERT INTO bayes_global_vars VALUES ('VERSION', '3');

CREATE TABLE bayes_vars (
    id serial PRIMARY KEY,
    username varchar(200) NOT NULL DEFAULT '' UNIQUE,
    spam_count integer NOT NULL DEFAULT 0,
    ham_count integer NOT NULL DEFAULT 0,
    token_count integer NOT NULL DEFAULT 0,
    last_expire integer NOT NULL DEFAULT 0,
    last_atime_delta integer NOT NULL DEFAULT 0,
    last_expire_reduce integer NOT NULL DEFAULT 0,
    oldest_token_age integer NOT NULL DEFAULT 2147483647,
    newest_token_age integer NOT NULL DEFAULT 0
);

CREATE TABLE bayes_seen (
    id integer NOT NULL DEFAULT 0,
    msgid varchar(200) NOT NULL DEFAULT '',
    flag char(1) NOT NULL DEFAULT '',
    PRIMARY KEY (id, msgid)
);

CREATE TABLE bayes_expire (
    id integer NOT NULL DEFAULT 0,
    runtime integer NOT NULL DEFAULT 0
);
CREATE INDEX bayes_expire_idx1 ON bayes_expire (id);

CREATE TABLE bayes_token (
    id integer NOT NULL DEFAULT 0,
    token bytea NOT NULL DEFAULT '',
    spam_count integer NOT NULL DEFAULT 0,
    ham_count integer NOT NULL DEFAULT 0,
    atime integer NOT NULL DEFAULT 0,
    PRIMARY KEY (id, token)
) WITH (fillfactor = 95);
CREATE INDEX bayes_token_idx1 ON bayes_token (token);
"""

# What SpamAssassin calls for the tokens of one message.  Unlike its own, it lets two nodes that see a
# new token at the same moment both count it.
_FUNCTION = """
CREATE FUNCTION put_tokens(owner integer, tokens bytea[], spam integer, ham integer, seen integer)
RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    made integer := 0;
BEGIN
    IF spam < 0 OR ham < 0 THEN
        UPDATE bayes_token
           SET spam_count = greatest(spam_count + spam, 0),
               ham_count = greatest(ham_count + ham, 0),
               atime = greatest(atime, seen)
         WHERE id = owner AND token = ANY (tokens);
    ELSE
        WITH put AS (
            INSERT INTO bayes_token AS known (id, token, spam_count, ham_count, atime)
            SELECT owner, one, spam, ham, seen
              FROM (SELECT DISTINCT unnest(tokens) AS one ORDER BY one) AS each
            ON CONFLICT (id, token) DO UPDATE
               SET spam_count = known.spam_count + spam,
                   ham_count = known.ham_count + ham,
                   atime = greatest(known.atime, seen)
            RETURNING xmax = 0 AS is_new
        )
        SELECT count(*) FILTER (WHERE is_new) INTO made FROM put;
    END IF;
    UPDATE bayes_vars
       SET token_count = token_count + made,
           newest_token_age =
               CASE WHEN seen > 0 THEN greatest(newest_token_age, seen) ELSE newest_token_age END,
           oldest_token_age =
               CASE WHEN seen > 0 THEN least(oldest_token_age, seen) ELSE oldest_token_age END
     WHERE id = owner AND (made > 0 OR seen > 0);
END
$body$;
"""

_GONE = """
DROP FUNCTION put_tokens(integer, bytea[], integer, integer, integer);
DROP TABLE bayes_token, bayes_expire, bayes_seen, bayes_vars, bayes_global_vars;
"""


class Migration(migrations.Migration):
    dependencies = [("engines", "0001_initial")]

    operations = [
        migrations.RunSQL(sql=_TABLES + _FUNCTION, reverse_sql=_GONE),
        migrations.AddField(
            model_name="rendering",
            name="missing",
            field=models.JSONField(default=dict),
        ),
        migrations.AddConstraint(
            model_name="preference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("preference__regex", r"^[a-z0-9_]+$"), ("value__regex", r"^[^\r\n]*$")
                ),
                name="preference_on_one_line",
            ),
        ),
    ]
