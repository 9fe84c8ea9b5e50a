"""Whose consents are: those that are kept get the profile on which they were said, and all who had the identity then."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# The fact on the timeline was written with the consent, in one transaction.
SAID_ON = """
    UPDATE customers_consent c SET profile_id = e.profile_id
    FROM core_event e JOIN customers_profile p ON p.id = e.profile_id
    WHERE e.kind = 'customer.consent' AND (e.payload->>'identity')::bigint = c.identity_id
      AND e.payload->>'purpose' = c.purpose AND coalesce(e.payload->>'channel', '') = c.channel
      AND (e.payload->>'granted')::boolean = c.granted AND e.at BETWEEN c.at - interval '5 s' AND c.at + interval '5 s'
"""
# Where there is none, it is of who has had the identity for the longest time.
FIRST_OWNER = """
    UPDATE customers_consent c
    SET profile_id = (SELECT l.profile_id FROM customers_profileidentity l WHERE l.identity_id = c.identity_id ORDER BY l.id LIMIT 1)
    WHERE c.profile_id IS NULL AND NOT c.proof ? 'kept'
"""
COUNTS_FOR = """
    UPDATE customers_consent c SET profiles = ARRAY(
        SELECT c.profile_id WHERE c.profile_id IS NOT NULL
        UNION SELECT l.profile_id FROM customers_profileidentity l WHERE NOT c.granted AND l.identity_id = c.identity_id
        UNION SELECT u.profile_id FROM customers_unlinking u
        WHERE NOT c.granted AND u.identity_id = c.identity_id AND u.at >= c.at
    )
"""


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_merge_times"),
        ("core", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="consent",
            name="profile",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="consents",
                to="customers.profile",
                verbose_name="profile",
            ),
        ),
        migrations.AddField(
            model_name="consent",
            name="profiles",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), default=list, size=None
            ),
        ),
        migrations.RunSQL([SAID_ON, FIRST_OWNER, COUNTS_FOR], migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="consent",
            index=django.contrib.postgres.indexes.GinIndex(fields=["profiles"], name="consent_profiles"),
        ),
    ]
