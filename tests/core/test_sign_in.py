"""Guessing passwords is slowed down, from one address and from many, one after another and all at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from cxcenter.core import counts
from tests import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def anna(settings):
    # Hundreds of guesses: what is tried here is their number, not how slow each of them is.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    user = world.make_user("anna")
    user.set_password("demo")
    user.save()
    return user


def attempt(name="anna", password="wrong", address="10.0.0.1"):
    try:
        return Client().post("/sign-in/", {"username": name, "password": password}, REMOTE_ADDR=address)
    finally:
        connection.close()


def test_a_flood_at_once_gets_ten_guesses():
    with ThreadPoolExecutor(30) as pool:
        codes = [answer.status_code for answer in pool.map(lambda _: attempt(), range(40))]
    assert codes.count(200) == 10 and codes.count(429) == 30


def test_an_account_is_guarded_against_guesses_from_everywhere(anna):
    anna.set_password("right")
    anna.save()
    codes = [attempt(address=f"10.0.1.{n}").status_code for n in range(52)]
    assert codes == [200] * 50 + [429] * 2
    locked = attempt(password="right", address="10.0.2.1")
    assert locked.status_code == 429 and "for this name" in locked.content.decode()
    assert attempt("boris").status_code == 200


@pytest.mark.parametrize("name", ["anna ", " anna", "ANNA", "ａｎｎａ"])
def test_another_spelling_is_no_other_name(name):
    for _ in range(10):
        attempt()
    assert attempt(name).status_code == 429


def test_a_locked_page_does_not_tell_whether_the_password_was_right(anna):
    anna.set_password("right")
    anna.save()
    for _ in range(10):
        attempt()
    pages = [attempt(password=word).content.decode() for word in ("wrong", "right")]
    assert all("do not fit together" not in page and 'value="anna"' in page for page in pages)


def test_an_office_comes_in_through_one_address(anna):
    anna.set_password("right")
    anna.save()
    assert {attempt(password="right").status_code for _ in range(12)} == {302}
    assert counts.count("cx:signin:10.0.0.1", 300) == 1
