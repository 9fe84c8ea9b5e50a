import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0002_metrics"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SimulationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="when")),
                ("title", models.CharField(blank=True, max_length=200, verbose_name="title")),
                ("scenario", models.TextField(verbose_name="scenario")),
                ("seeds", models.PositiveSmallIntegerField(default=10, verbose_name="days")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("running", "in work"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("stopped", "stopped"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("played", models.JSONField(default=list)),
                ("spent_s", models.FloatField(default=0, verbose_name="time of work, s")),
                ("result", models.TextField(blank=True, verbose_name="result")),
                ("fault", models.CharField(blank=True, max_length=500, verbose_name="what went wrong")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                ("trial", models.JSONField(null=True, verbose_name="rules that are tried")),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by whom",
                    ),
                ),
            ],
            options={
                "verbose_name": "simulation",
                "verbose_name_plural": "simulations",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["waiting", "running"])), fields=["id"], name="simulation_due"
                    ),
                    models.Index(fields=["made_by", "-id"], name="simulation_of_user"),
                ],
            },
        ),
    ]
