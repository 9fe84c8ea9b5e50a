"""What the columns of a file mean: targets to choose from, a guess by the names of columns, the choice as it is kept."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from django.utils.translation import gettext as _

from customers.choices import IdentityKind, Purpose
from customers.fields import CUSTOM, GOLDEN_FIELDS
from customers.junk import MADE
from customers.models import Customer, CustomField
from cxcenter.core.errors import Invalid

# Besides fields and identities: the record's number in its source, and when it was changed there.
NUMBER, CHANGED = "id", "at"
KINDS = tuple(kind for kind in IdentityKind if kind not in MADE)
# What he permits: consent:PURPOSE, or consent:PURPOSE:CHANNEL.
CONSENT = re.compile(r"consent:([a-z][a-z0-9_]{0,39})(?::([a-z]{1,12}))?")
# These hold one word for a record; of identities there may be several.
MANY = {str(kind) for kind in KINDS}

# Names that columns have in English and Russian, small letters without spaces and signs.
NAMES = {
    NUMBER: "id externalid extid recordid customerid clientid guid uuid код кодклиента идентификатор номерклиента",
    CHANGED: "at changed changedat changedon updated updatedat updatedon modified modifiedat lastmodified"
    " изменен изменён датаизменения обновлен обновлён датаобновления",
    "name": "name fullname customername clientname contactname фио имяклиента клиент контакт полноеимя наименование",
    "last_name": "lastname surname familyname last фамилия",
    "first_name": "firstname givenname first forename имя",
    "middle_name": "middlename patronymic middle secondname отчество",
    "birthday": "birthday birthdate dateofbirth dob born деньрождения датарождения др рожд",
    "company": "company companyname organization organisation employer компания организация названиекомпании",
    "kind": "kind customertype clienttype persontype типклиента типлица видклиента",
    "country": "country страна",
    "region": "region state province oblast регион область край",
    "city": "city town locality город населенныйпункт населённыйпункт",
    "street": "street address streetaddress addressline address1 улица адрес улицадом улицаидом",
    "postcode": "postcode postalcode zip zipcode postindex индекс почтовыйиндекс",
    "language": "language lang locale язык",
    "zone": "timezone zone tz часовойпояс",
    "about": "about comment comments note notes remark description комментарий примечание заметки описание",
    "personal_operator": "personaloperator personalmanager accountmanager manager персональныйоператор персональныйменеджер"
    " личныйменеджер менеджер",
    "phone": "phone phonenumber tel telephone mobile mobilephone cell cellphone homephone workphone phone1 phone2 phone3"
    " телефон телефоны номертелефона мобильный мобильныйтелефон сотовый домашнийтелефон рабочийтелефон тел телефон1 телефон2",
    "email": "email emailaddress mail email1 email2 workemail почта электроннаяпочта емейл имейл эпочта адресэлектроннойпочты",
    "card": "card cardnumber loyaltycard loyaltynumber bonuscard карта номеркарты картаклиента бонуснаякарта"
    " картапостоянногоклиента картаклуба",
    "account": "account accountnumber contract contractnumber лицевойсчет лицевойсчёт счет счёт договор номердоговора",
    "external": "login userid username siteaccount siteid accountid логин пользователь учетнаязапись",
    "telegram": "telegram telegramid tg телеграм телеграмм",
    "whatsapp": "whatsapp whatsappid ватсап вотсап",
    "consent:personal_data": "personaldataconsent gdprconsent согласиенаобработкуперсональныхданных согласиенаобработкуданных"
    " согласиепдн",
    "consent:marketing": "marketingconsent consentmarketing marketingoptin согласиенарекламу согласиенарассылку",
    "consent:marketing:email": "emailconsent emailoptin emailmarketing newsletter рассылка emailрассылка подписка"
    " согласиенаemail",
    "consent:marketing:sms": "smsconsent smsoptin smsmarketing смсрассылка smsрассылка согласиенасмс согласиенаsms",
    "viber": "viber viberid вайбер",
    "vk": "vk vkid vkontakte вк вконтакте",
}
TARGETS = {name: target for target, names in NAMES.items() for name in names.split()}
# "E-mail", "e_mail (home)", "Телефон №2": what stands in brackets and between letters says nothing.
SIGNS = re.compile(r"\s*\([^)]*\)|[^\w(]+|[_(]+")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a file means: column → target. `vouched`: its source has proved the identities; `verified`: the fields too.

    Empty `encoding` and `delimiter` are found out.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    vouched: bool = False
    verified: bool = False
    encoding: str = ""
    delimiter: str = ""

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Return what rows keep as JSON."""
        return cls(**{name: value for name, value in kept.items() if name in cls.__dataclass_fields__})

    def kept(self) -> dict[str, Any]:
        """Return it as rows keep it."""
        return asdict(self)

    def check(self, columns: Sequence[str]) -> None:
        """Raise Invalid if it does not fit to a file: an unknown column or target, a target twice, nobody to recognise."""
        known = set(targets())
        for column, target in self.columns.items():
            if column not in columns:
                names = ", ".join(columns[:20])
                told = {"column": column, "names": names}
                raise Invalid(_("There is no column “%(column)s”. The file has: %(names)s.") % told, field="columns")
            if target and target not in known and not CONSENT.fullmatch(target):
                raise Invalid(_("There is no such field: %(field)s.") % {"field": target}, field="columns")
        chosen = [target for target in self.columns.values() if target]
        twice = next((one for one in chosen if chosen.count(one) > 1 and one not in MANY), None)
        if twice:
            told = {"field": targets().get(twice, twice)}
            raise Invalid(_("Two columns cannot both be “%(field)s”.") % told, field="columns")
        if not {*chosen} - {NUMBER, CHANGED}:
            raise Invalid(_("Choose what at least one column means."), field="columns")
        if CHANGED not in chosen and any(map(CONSENT.fullmatch, chosen)):
            # Who has withdrawn it since, and who before, could not be told.
            raise Invalid(
                _("A consent needs its time: say which column is “%(field)s”.") % {"field": targets()[CHANGED]},
                field="columns",
            )


def targets() -> dict[str, str]:
    """Return what a column can mean: target → its name for people, in the order of the card. One query."""
    own = {CUSTOM + row.code: row.label for row in CustomField.objects.filter(active=True)}
    fields = {name: str(getattr(Customer._meta.get_field(name), "verbose_name", name)) for name in GOLDEN_FIELDS}
    kinds = {str(kind): str(kind.label) for kind in KINDS}
    return {NUMBER: _("number in the source"), CHANGED: _("changed there"), **fields, **kinds, **own, **_consents()}


def _consents() -> dict[str, str]:
    """Return the consents that are offered; other purposes and channels are named by their codes."""
    channels = {"": _("every channel"), ":email": _("E-mail"), ":sms": _("SMS"), ":voice": _("Voice")}
    return {
        f"consent:{purpose}{channel}": _("permits: %(what)s, %(where)s") % {"what": purpose.label, "where": where}
        for purpose in Purpose
        for channel, where in channels.items()
    }


def guess(columns: Iterable[str]) -> dict[str, str]:
    """Return a target for each column by its name, "" where the name tells nothing. One query."""
    own: dict[str, str] = {}
    for row in CustomField.objects.filter(active=True):
        own |= dict.fromkeys(map(_plain, (row.code, row.label, row.label_ru)), CUSTOM + row.code)
    own.pop("", None)
    exact = set(targets())
    taken: set[str] = set()
    found = {}
    for column in columns:
        target = column if column in exact else own.get(_plain(column)) or TARGETS.get(_plain(column), "")
        found[column] = "" if target in taken else target
        taken |= {target} - MANY - {""}
    if CHANGED not in taken:
        # Without a time they would be refused.
        found = {column: "" if CONSENT.fullmatch(target) else target for column, target in found.items()}
    return found


def fit(meaning: Meaning, columns: Sequence[str]) -> Meaning:
    """Return a kept choice for a file: columns that it has not are left out, those it does not know mean nothing."""
    chosen = {column: meaning.columns.get(column, "") for column in columns}
    return Meaning(**{**meaning.kept(), "columns": chosen})


def _plain(name: str) -> str:
    return SIGNS.sub("", name.casefold())
