"""Times that have been."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers

# What came out of step between two clocks.
FUTURE = timedelta(minutes=5)


def past(at: datetime) -> datetime:
    """Return a time that has been. Raises ValidationError for one that is still to come."""
    if at > timezone.now() + FUTURE:
        raise serializers.ValidationError(_("This time is still to come."))
    return at
