"""Whom a change of the rules concerns is compared again. Those who were indexed with junk before are the first of them."""

from django.db import migrations, models

REACHED = 2


def recall(apps, schema_editor):
    if apps.get_model("customers", "Comparable").objects.exists():
        apps.get_model("customers", "Recall").objects.create(scope=REACHED)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0008_import"),
    ]

    operations = [
        migrations.CreateModel(
            name="Recall",
            fields=[
                (
                    "scope",
                    models.PositiveSmallIntegerField(
                        choices=[(1, "Pairs"), (2, "Reached"), (3, "All")], primary_key=True, serialize=False
                    ),
                ),
                ("after", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.RunPython(recall, migrations.RunPython.noop),
    ]
