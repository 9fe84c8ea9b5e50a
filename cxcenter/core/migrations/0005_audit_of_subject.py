from django.db import migrations, models


class Migration(migrations.Migration):
    """Who looked in the last hour is one look, however often before; a plain index and one for patterns are less to keep."""

    dependencies = [
        ("core", "0004_delivery_profile"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="subject",
            field=models.CharField(help_text="kind:ID", max_length=80, verbose_name="about what"),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["subject", "-at"], name="audit_of_subject"),
        ),
    ]
