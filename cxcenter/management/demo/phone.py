"""The phone of the demo: one line, and the queues that its callers reach."""

from cxcenter.management.demo.channel import SITE_KEY
from interactions.choices import ChannelKind
from interactions.models import Channel, Site, Topic
from routing.models import Entrance, Queue

LINE = "Phone"
# Which queue a topic leads to, as the caller says it or a menu finds it out; all else goes to Service booking.
ENTRANCES = {
    None: "Service booking",
    "Warranty and repair": "Warranty",
    "Complaint": "Complaints",
}


def plant(topics: dict[str, Topic]) -> None:
    """Make the line with its entrances, unless there is one."""
    line, made = Channel.objects.get_or_create(name=LINE, defaults={"kind": ChannelKind.VOICE})
    if made:
        for topic, queue in ENTRANCES.items():
            Entrance.objects.create(
                channel=line, topic=topics[topic] if topic else None, queue=Queue.objects.get(name=queue)
            )
        # The shop's chat takes calls on it.
        Site.objects.filter(key=SITE_KEY).update(voice=line)
