"""Kinds of transfers and times of replies in the sums of days."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("quality", "0006_topics_and_skills")]

    operations = [
        migrations.AddField(
            model_name="rollup",
            name=name,
            field=models.BigIntegerField(db_default=0, default=0),
        )
        for name in ("transferred_blind", "responses", "response_us")
    ]
