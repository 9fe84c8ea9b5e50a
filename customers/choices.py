"""Words that rows of the golden record choose from."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PartyKind(models.TextChoices):
    """Who a customer is."""

    PERSON = "person", _("person")
    COMPANY = "company", _("company")


class IdentityKind(models.TextChoices):
    """What the value is."""

    PHONE = "phone", _("phone")
    EMAIL = "email", _("e-mail")
    VISITOR = "visitor", _("site visitor")
    EXTERNAL = "external", _("site account")
    TELEGRAM = "telegram", _("Telegram")
    WHATSAPP = "whatsapp", _("WhatsApp")
    VIBER = "viber", _("Viber")
    VK = "vk", _("VK")
    DEVICE = "device", _("device")
    CARD = "card", _("loyalty card")
    ACCOUNT = "account", _("account number")


class MergeReason(models.TextChoices):
    """What made two golden records one."""

    HAND = "hand", _("by hand")
    MATCH = "match", _("by comparison")
    IDENTITY = "identity", _("by a verified identity")
    API = "api", _("by the API")


class ExportReason(models.TextChoices):
    """Why personal data was exported. A closed list: a free text would be personal data again."""

    REQUEST = "request", _("the person asked for it")
    AUTHORITY = "authority", _("an authority asked for it")
    CHECK = "check", _("an internal check")


class ErasureReason(models.TextChoices):
    """Why a customer was erased."""

    REQUEST = "request", _("the person asked for it")
    CONSENT = "consent", _("the consent was withdrawn")
    EXPIRED = "expired", _("the time of keeping is over")
    MISTAKE = "mistake", _("it was kept by mistake")


class Purpose(models.TextChoices):
    """What a customer is asked to permit. Sources may know other ones, by their codes."""

    PERSONAL_DATA = "personal_data", _("processing of personal data")
    MARKETING = "marketing", _("advertising and offers")
    SERVICE = "service", _("news of the service")
    SURVEYS = "surveys", _("surveys")
    RECORDING = "recording", _("recording of talks")


class Criterion(models.TextChoices):
    """What decides between values of several sources."""

    SOURCE = "source", _("order of sources")
    VERIFIED = "verified", _("verified first")
    NEWEST = "newest", _("the newest")
    COMPLETE = "complete", _("the most complete")


class FieldGroup(models.TextChoices):
    """Fields that one rule of survivorship is set for."""

    NAME = "name", _("name and its parts")
    BIRTHDAY = "birthday", _("birthday")
    ADDRESS = "address", _("address")
    LANGUAGE = "language", _("language and time zone")
    COMPANY = "company", _("company")
    ABOUT = "about", _("about")
    OPERATOR = "operator", _("personal operator")
    CUSTOM = "custom", _("own fields")


class Comparison(models.TextChoices):
    """How a condition of a segment compares a field with a value."""

    IS = "is", _("is")
    IS_NOT = "is_not", _("is not")
    ONE_OF = "one_of", _("is one of")
    CONTAINS = "contains", _("contains")
    AT_LEAST = "at_least", _("is at least, or not before")
    AT_MOST = "at_most", _("is at most, or not after")
    KNOWN = "known", _("is known")
    UNKNOWN = "unknown", _("is not known")


class FieldKind(models.TextChoices):
    """What a field of the house holds."""

    TEXT = "text", _("text")
    NUMBER = "number", _("number")
    DATE = "date", _("date")
    FLAG = "flag", _("yes or no")
    CHOICE = "choice", _("one of a list")


# Whom an identity leads to: one customer, several (or stated only), nobody, or it links nobody.
RESOLVED = ("found", "ambiguous", "unknown", "junk")
