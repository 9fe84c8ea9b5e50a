"""How long cases have waited: told by the facts of their changes."""

import datetime as dt

from django.db import migrations, models

FILL = """
    UPDATE interactions_case one SET waited = told.waited, waiting_since = told.since
    FROM (
        SELECT (payload ->> 'case')::bigint AS id,
            coalesce(sum(after - at) FILTER (WHERE status = 'waiting'), interval '0') AS waited,
            max(at) FILTER (WHERE status = 'waiting' AND after IS NULL) AS since
        FROM (
            SELECT payload, at, payload ->> 'status' AS status,
                lead(at) OVER (PARTITION BY payload ->> 'case' ORDER BY at, id) AS after
            FROM core_event WHERE kind = 'case.changed'
        ) change GROUP BY 1
    ) told WHERE one.id = told.id
"""


class Migration(migrations.Migration):
    dependencies = [("interactions", "0006_asked"), ("core", "0005_audit_of_subject")]

    operations = [
        migrations.AddField(
            model_name="case",
            name="waited",
            field=models.DurationField(db_default=dt.timedelta(0), default=dt.timedelta, verbose_name="waited"),
        ),
        migrations.AddField(
            model_name="case",
            name="waiting_since",
            field=models.DateTimeField(null=True, verbose_name="waits since"),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
