"""Names: romanisations meet, short forms are known, full names fall into parts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customers.matching.names import FullName, canonical, code, is_patronymic, latin, skeleton, split


@pytest.mark.parametrize(
    "spellings",
    [
        "Щербаков Shcherbakov Scherbakov Ŝerbakov Shherbakov Schtscherbakow",
        "Евгений Evgeniy Evgenii Evgenij Yevgeni Evgeny",
        "Соловьёв Соловьев Solovyov Solovev Solov'ev Soloviev",
        "Юлия Yuliya Yulia Juliia Iuliia Ûliâ",
        "Кузнецов Kuznetsov Kuznecov Kuznetzov Kuzneczov",
        "Цветков Tsvetkov Cvetkov Czvetkov",
        "Чайковский Tchaikovsky Chaykovskiy Čajkovskij Chaikovskii",
        "Хрущёв Khrushchev Hrushchev Khruschev Xrushhev",
        "Смирнов Smirnov Smirnoff Smirnow",
        "Жуков Zhukov Žukov",
        "Алексеев Alekseev Alexeyev Alexeev",
        "Сергей Sergey Sergei Sergej",
        "Ильин Ilyin Il'in Ilin",
        "Ляпунов Lyapunov Liapunov Lâpunov Ljapunov",
    ],
)
def test_all_romanisations_of_a_name_have_one_skeleton(spellings):
    assert len({skeleton(latin(name)) for name in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Иванов", "Ивашов"), ("Шилов", "Силов"), ("Жилин", "Зилин"), ("Clark", "Stark"), ("Чин", "Цин")]
)
def test_different_names_stay_different(one, other):
    assert skeleton(latin(one)) != skeleton(latin(other))


def test_case_yo_hyphens_and_invisible_characters_do_not_matter():
    assert latin("СЕМЁНОВА-Ли") == latin("семенова ли") == latin("Се\u200bмё\u00adнова\u2060‐ли") == "semenovali"


def test_a_code_holds_against_wrong_vowels():
    assert code(latin("Кузнецов")) == code(latin("Кузнецав")) == code("kuznetsov")


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("Саша", "Александр"),
        ("Саша", "Александра"),
        ("Sasha", "Александр"),
        ("Alexander", "Александр"),
        ("Женя", "Eugene"),
        ("Слава", "Вячеслав"),
        ("Слава", "Ярослав"),
        ("Лёша", "Алексей"),
        ("Катя", "Catherine"),
        ("Bill", "William"),
        ("Peggy", "Margaret"),
        ("Tony", "Anthony"),
        ("Dick", "Richard"),
    ],
)
def test_a_short_form_leads_to_each_of_its_names(short, full):
    assert set(canonical(latin(short))) & set(canonical(latin(full)))


@pytest.mark.parametrize(
    ("one", "other"), [("Мария", "Марина"), ("Ксения", "Оксана"), ("Bill", "Bob"), ("Вася", "Ваня")]
)
def test_names_of_different_people_do_not_meet(one, other):
    assert not set(canonical(latin(one))) & set(canonical(latin(other)))


def test_an_unknown_name_stands_for_itself():
    assert canonical(latin("Ыскандер")) == (skeleton(latin("Ыскандер")),)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Иванов Иван Петрович", ("Иванов", "Иван", "Петрович")),
        ("Иван Петрович Иванов", ("Иванов", "Иван", "Петрович")),
        ("Ivan Petrov", ("Petrov", "Ivan", "")),
        ("Petrov Ivan", ("Petrov", "Ivan", "")),
        ("Petrov, Ivan", ("Petrov", "Ivan", "")),
        ("Петров, Иван Сергеевич", ("Петров", "Иван", "Сергеевич")),
        ("Марина Иванова", ("Иванова", "Марина", "")),
        ("Иванова Марина", ("Иванова", "Марина", "")),
        ("Анна Сергеевна", ("", "Анна", "Сергеевна")),
        ("Абрамович Роман Аркадьевич", ("Абрамович", "Роман", "Аркадьевич")),
        ("Роман Аркадьевич Абрамович", ("Абрамович", "Роман", "Аркадьевич")),
        ("Roman Abramovich", ("Abramovich", "Roman", "")),
        ("Petrov Ivan Ilyich", ("Petrov", "Ivan", "Ilyich")),
        ("Мамедов Али оглы", ("Мамедов", "Али", "оглы")),
        ("John Michael Smith", ("Smith", "John", "Michael")),
        ("Smith John", ("Smith", "John", "")),
        ("Renée García", ("García", "Renée", "")),
        ("Саша", ("", "Саша", "")),
        ("Кузнецова", ("Кузнецова", "", "")),
        ("  ", ("", "", "")),
    ],
)
def test_a_full_name_falls_into_its_parts(text, parts):
    assert split(text) == FullName(*parts)


@pytest.mark.parametrize(
    "word", ["Петрович", "Ильинична", "Кузьмич", "Лукич", "Petrovich", "Sergeevna", "Nikitichna", "оглы"]
)
def test_patronymics_are_known_by_their_endings(word):
    assert is_patronymic(word)


@pytest.mark.parametrize("word", ["Иванов", "Шевчук", "Галич", "Марина", "Richard"])
def test_other_names_are_no_patronymics(word):
    assert not is_patronymic(word)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_can_be_normalised_and_split(text):
    assert latin(text).isalnum() or not latin(text)
    assert skeleton(skeleton(latin(text)).lower()) is not None
    split(text)
