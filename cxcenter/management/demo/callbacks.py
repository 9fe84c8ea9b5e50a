"""Callbacks of the demo: customers who chose an hour of the next working days."""

from customers.models import Customer, Profile
from routing import calls
from routing.actions import callbacks
from routing.models import Callback, Queue

# Whose phone it is nobody knows: the numbers are those that no telephone company gives away.
PLANNED = (
    ("Warranty", "+79005550191", "ru", "Запах горелой проводки после мойки"),
    ("Warranty", "+79005550192", "en", "The infotainment restarts on its own"),
    ("Fleet sales", "+79005550193", "ru", "Двенадцать минивэнов для аэропорта"),
)


def plant() -> None:
    """Plan them, unless there are callbacks already."""
    if Callback.objects.exists():
        return
    people = Customer.objects.filter(merged_into=None, erased_at=None).exclude(name="").order_by("pk")
    for number, (queue_name, phone, language, text) in enumerate(PLANNED):
        queue = Queue.objects.get(name=queue_name)
        slots = calls.slots(queue)
        customer = people[number : number + 1].first()
        if not queue.callbacks or not slots:
            continue
        profile = Profile.objects.filter(customer=customer).order_by("pk").first()
        callbacks.ask(
            callbacks.Wish(
                phone=phone,
                queue=queue,
                profile=profile,
                at=slots[min(2 * number + 3, len(slots) - 1)],
                language=language,
                name=customer.name if customer else "",
                text=text,
            )
        )
