"""The demo shop's chat: channel, site, topics, outcomes."""

from django.conf import settings

from interactions.choices import ChannelKind
from interactions.models import Channel, Disposition, Site, Topic

SITE_KEY = "demo"
Tree = tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]

TOPICS: Tree = (
    (
        "Warranty and repair",
        "Гарантия и ремонт",
        (
            ("Warranty claim", "Гарантийный случай"),
            ("Repair takes long", "Долгий ремонт"),
            ("Body and paint", "Кузов и краска"),
        ),
    ),
    (
        "Parts and accessories",
        "Запчасти и аксессуары",
        (
            ("Tyres and wheels", "Шины и диски"),
            ("Order and delivery", "Заказ и доставка"),
            ("Choice of a part", "Подбор детали"),
        ),
    ),
    (
        "Service booking",
        "Запись на сервис",
        (
            ("Maintenance", "Техобслуживание"),
            ("Diagnostics", "Диагностика"),
            ("Another time", "Перенос записи"),
        ),
    ),
    ("Complaint", "Жалоба", (("Work of a dealer", "Работа дилера"), ("Quality of the car", "Качество автомобиля"))),
    ("Fleet and business", "Парк и бизнес", ()),
)
# Shown in the form before the chat. Fleet sales keep office hours, so the shop does not offer them at night.
OFFERED = ("Warranty and repair", "Parts and accessories", "Service booking", "Complaint")

# (name, Russian, solved?) under a heading.
DISPOSITIONS = (
    (
        "Solved",
        "Решено",
        True,
        (
            ("Answered at once", "Ответили сразу"),
            ("Booked", "Записали на сервис"),
            ("Order placed", "Оформили заказ"),
        ),
    ),
    (
        "Not solved yet",
        "Пока не решено",
        False,
        (("Case registered", "Заведено обращение"), ("Waits for the dealer", "Ждём дилера")),
    ),
    ("No question", "Нет вопроса", False, (("Spam", "Спам"), ("Wrong address", "Ошиблись адресом"))),
)


def plant_topics() -> dict[str, Topic]:
    """Make the missing topics; return all of them by name."""
    topics: dict[str, Topic] = {}
    for name, name_ru, children in TOPICS:
        parent = topics[name] = Topic.objects.get_or_create(name=name, defaults={"name_ru": name_ru})[0]
        for child, child_ru in children:
            defaults = {"name_ru": child_ru, "parent": parent}
            topics[child] = Topic.objects.get_or_create(name=child, defaults=defaults)[0]
    return topics


def plant_dispositions() -> None:
    """Make the missing outcomes."""
    for name, name_ru, solved, children in DISPOSITIONS:
        defaults = {"name_ru": name_ru, "solved": solved}
        parent = Disposition.objects.get_or_create(name=name, defaults=defaults)[0]
        for child, child_ru in children:
            Disposition.objects.get_or_create(name=child, defaults={**defaults, "name_ru": child_ru, "parent": parent})


def plant_site(topics: dict[str, Topic]) -> Site:
    """Make the channel and the site of the demo shop, and let the shop of the present port embed it."""
    site = Site.objects.filter(key=SITE_KEY).first()
    if site is None:
        channel = Channel.objects.create(name="Norda store, chat", kind=ChannelKind.WEBCHAT)
        site = Site.objects.create(
            channel=channel,
            key=SITE_KEY,
            title="Norda, support",
            greeting="Hello. Tell us who you are, and an operator who knows the subject will answer.",
            greeting_ru="Здравствуйте. Представьтесь, и вам ответит оператор, который знает тему.",
            consent_url="https://norda.example/privacy",
            contact_line="Roadside help, day and night: 8 800 000-00-00",
            tracked_types=["cart_add", "cart_remove", "checkout_start", "part_search", "test_drive_form"],
        )
        site.topics.set([topics[name] for name in OFFERED])
    shop = [f"http://{host}:{settings.PORT + 1}" for host in ("localhost", "127.0.0.1")]
    missing = [origin for origin in shop if origin not in site.origins]
    if missing:
        # `make run PORT=…` of an installation that was planted with another port.
        site.origins += missing
        site.save(update_fields=["origins"])
    return site
