"""One spelling for each identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers import normalise
from customers.masking import masked, masked_contact
from cxcenter.core.errors import Invalid


@pytest.mark.parametrize(
    "typed",
    [
        "+7 900 555-01-84",
        "8 (900) 555 01 84",
        "89005550184",
        "7 900 555 01 84",
        " +7(900)5550184 ",
        "+7\u00a0900\u00a0555‑01‑84",
    ],
)
def test_a_phone_typed_in_any_way_is_one(typed):
    assert normalise.phone(typed) == "+79005550184"


@pytest.mark.parametrize("typed", ["8 (495) 123-45-67 доб. 12", "+7 495 123-45-67 ext 12", "84951234567#12"])
def test_an_extension_is_a_way_of_its_own(typed):
    assert normalise.phone(typed) == "+74951234567;ext=12" != normalise.phone("84951234567")


def test_a_phone_of_another_country():
    assert normalise.phone("+49 30 901820") == "+4930901820"


@pytest.mark.parametrize("typed", ["", "123", "+7 900", "phone", "8 900 555-01-8x", "0" * 40, "+" * 9])
def test_what_is_no_phone(typed):
    with pytest.raises(Invalid):
        normalise.phone(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Kate@Example.COM ", "kate@example.com"),
        ("ka\u200bte@example.com", "kate@example.com"),
        ("ｋａｔｅ@example.com", "kate@example.com"),
        ("kate@пример.рф", "kate@xn--e1afmkfd.xn--p1ai"),
        ('"a@b"@example.com', '"a@b"@example.com'),
    ],
)
def test_addresses(typed, kept):
    assert normalise.email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "@", "kate", "kate@", "@example.com", "kate@example", "ka te@example.com", "a@..", f"a@{'x' * 70}.com"],
)
def test_what_is_no_address(typed):
    with pytest.raises(Invalid):
        normalise.email(typed)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_kept_or_refused_and_stays_what_it_became(text):
    for kind in (normalise.phone, normalise.email):
        try:
            kept = kind(text)
        except Invalid:
            continue
        assert kind(kept) == kept


@pytest.mark.parametrize(("typed", "kind"), [("kate@example.com", "email"), ("8 900 555-01-84", "phone")])
def test_a_contact_is_one_or_the_other(typed, kind):
    assert normalise.contact(typed)[0] == kind


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [("phone", "+79005550184", "•••• 84"), ("email", "kate@example.com", "k•••@example.com"), ("card", "123", "••••")],
)
def test_masks_hide_what_reaches_somebody(kind, value, shown):
    assert masked(kind, value) == shown
    assert masked_contact("") == ""
