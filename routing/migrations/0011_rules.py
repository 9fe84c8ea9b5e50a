import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0010_preferences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="queue",
            name="rules_version",
            field=models.PositiveIntegerField(
                db_default=0, default=0, editable=False, verbose_name="version of the rules"
            ),
        ),
        migrations.CreateModel(
            name="RuleVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True, verbose_name="version")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("why", models.CharField(blank=True, max_length=300, verbose_name="why")),
                ("outside", models.BooleanField(default=False, verbose_name="changed elsewhere")),
                ("changes", models.JSONField(default=list, verbose_name="changes")),
                ("state", models.JSONField(default=dict, verbose_name="rules")),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by whom",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of the rules",
                "verbose_name_plural": "versions of the rules",
                "ordering": ["-number"],
            },
        ),
    ]
