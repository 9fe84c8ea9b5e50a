"""Names, cities and cars of the demo's customers. All of them are invented."""

from typing import NamedTuple


class Given(NamedTuple):
    """A Russian first name: Latin spelling for the address, and the gender that the surname follows."""

    name: str
    latin: str
    is_female: bool


GIVEN_RU = (
    Given("Екатерина", "ekaterina", True),
    Given("Тимур", "timur", False),
    Given("Дмитрий", "dmitry", False),
    Given("Ольга", "olga", True),
    Given("Марат", "marat", False),
    Given("Наталья", "natalia", True),
    Given("Алексей", "alexey", False),
    Given("Ирина", "irina", True),
    Given("Сергей", "sergey", False),
    Given("Мария", "maria", True),
    Given("Виктор", "viktor", False),
    Given("Светлана", "svetlana", True),
    Given("Артём", "artem", False),
    Given("Юлия", "yulia", True),
    Given("Роман", "roman", False),
    Given("Алина", "alina", True),
    Given("Фёдор", "fedor", False),
    Given("Лариса", "larisa", True),
)
# Masculine form, feminine form, Latin spelling.
SURNAMES_RU = (
    ("Воронцов", "Воронцова", "vorontsov"),
    ("Сафин", "Сафина", "safin"),
    ("Кравченко", "Кравченко", "kravchenko"),
    ("Нечаев", "Нечаева", "nechaev"),
    ("Галеев", "Галеева", "galeev"),
    ("Зимин", "Зимина", "zimin"),
    ("Ершов", "Ершова", "ershov"),
    ("Лукин", "Лукина", "lukin"),
    ("Панов", "Панова", "panov"),
    ("Рябов", "Рябова", "ryabov"),
    ("Тихонов", "Тихонова", "tikhonov"),
    ("Шевцов", "Шевцова", "shevtsov"),
    ("Громов", "Громова", "gromov"),
)
GIVEN_EN = ("Laura", "James", "Nora", "Peter", "Alice", "Martin", "Hanna", "Oliver", "Susan", "Erik", "Clara", "Hugo")
SURNAMES_EN = (
    "Bennett",
    "Hale",
    "Morrow",
    "Lindqvist",
    "Porter",
    "Fields",
    "Novak",
    "Weaver",
    "Quinn",
    "Aldridge",
    "Stone",
)
CITIES_RU = ("Москва", "Санкт-Петербург", "Казань", "Екатеринбург", "Новосибирск", "Самара", "Тверь", "Калуга")
CITIES_EN = ("Moscow", "Saint Petersburg", "Kazan", "Almaty", "Yerevan")
COMPANIES = ("Oakline Logistics LLC", "ООО «Северный путь»", "Bluebird Taxi", "ООО «Хлебный дом»", "Meridian Couriers")
CARS = ("Norda 4", "Norda 4 Cross", "Norda 6", "Norda Van")
DEALERS = ("Norda Sever", "Norda Yug", "Norda Centre", "Norda Volga")
