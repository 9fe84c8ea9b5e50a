from django.db import migrations, models


class Migration(migrations.Migration):
    """Merges are read by their time, the last first."""

    dependencies = [
        ("customers", "0009_recall"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="merge",
            index=models.Index(fields=["-at", "-id"], name="merge_at"),
        ),
    ]
