import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("routing", "0011_rules"),
    ]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("late", "waits past the target time"),
                    ("arrivals", "sharply more contacts than usual"),
                    ("topic", "sharply more contacts with a topic than usual"),
                    ("waits", "sharply more late contacts than usual"),
                    ("stuck", "a contact lasts unusually long"),
                ],
                max_length=40,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="ended_at",
            field=models.DateTimeField(null=True, verbose_name="over"),
        ),
        migrations.AddField(
            model_name="alert",
            name="subject",
            field=models.CharField(blank=True, default="", max_length=32, verbose_name="about what"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at", None), models.Q(("subject", ""), _negated=True)),
                fields=("kind", "team", "subject"),
                name="alert_once",
            ),
        ),
        migrations.CreateModel(
            name="Threshold",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "waiting",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="so many wait",
                    ),
                ),
                (
                    "longest_s",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="the longest wait, s",
                    ),
                ),
                (
                    "level",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="service level below, %",
                    ),
                ),
                (
                    "queue",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="threshold",
                        to="routing.queue",
                        verbose_name="queue",
                    ),
                ),
            ],
            options={
                "verbose_name": "threshold",
                "verbose_name_plural": "thresholds",
            },
        ),
    ]
