"""What is junk and how matching begins, until an administrator changes it."""

from typing import Any

from django.db import migrations

# Kind, pattern, note. A phone that repeats one digit is junk without a row.
JUNK = (
    ("phone", "+71234567890", "typed in a row"),
    ("phone", "+79876543210", "typed in a row"),
    ("email", "test@*", "a test"),
    ("email", "none@*", "none"),
    ("email", "no@*", "none"),
    ("email", "noemail@*", "none"),
    ("email", "noreply@*", "nobody reads it"),
    ("email", "no-reply@*", "nobody reads it"),
    ("", "null", "an empty field of another system"),
    ("", "none", "an empty field of another system"),
    ("", "nan", "an empty field of another system"),
    ("", "undefined", "an empty field of another system"),
    ("", "n/a", "an empty field of another system"),
    ("", "unknown", "an empty field of another system"),
    ("", "anonymous", "a hidden number"),
    ("", "-", "an empty field of another system"),
    ("", "0", "an empty field of another system"),
    ("", "0000*", "an empty field of another system"),
)


def plant(apps: Any, _schema: Any) -> None:
    """Write the first lists."""
    junk = apps.get_model("customers", "JunkValue")
    junk.objects.bulk_create([junk(kind=kind, pattern=pattern, note=note) for kind, pattern, note in JUNK])
    apps.get_model("customers", "MatchingRules").objects.create()


class Migration(migrations.Migration):
    dependencies = [("customers", "0002_golden_record")]
    operations = [migrations.RunPython(plant, migrations.RunPython.noop)]
