"""The demo installation: a car maker "Norda", its people, queues, texts and three months of history.

`plant()` may be run again: what is there already stays as it is, changed by hand or not.
"""

from django.db import transaction
from django.utils import timezone

from cxcenter.management.demo import channel, history, knowledge, overflow, people, phone, preferences, queues, skills


@transaction.atomic
def plant() -> bool:
    """Make what is missing of the demo data. Returns whether the history was made now."""
    staff = people.plant()
    topics = channel.plant_topics()
    site = channel.plant_site(topics)
    queues.plant(staff, site, topics)
    phone.plant(topics)
    skills.plant(staff, topics)
    overflow.plant()
    channel.plant_dispositions()
    knowledge.plant()
    made = history.plant(site, staff, now=timezone.now())
    if made:
        overflow.foretell()
    preferences.plant()
    return made
