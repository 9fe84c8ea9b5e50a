from django.db import migrations, models


class Migration(migrations.Migration):
    """A filter of the timeline read every fact of a customer: 25,000 blocks for his few cases among 100,000 facts."""

    dependencies = [
        ("core", "0002_delivery_log"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["profile_id", "kind", "-at", "-id"], name="event_kind"),
        ),
    ]
