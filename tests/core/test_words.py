"""Template words of all screens."""

import pytest

from cxcenter.core.templatetags.cx import phone


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("+79005550184", "+7 900 555-01-84"),
        ("+442079460958", "+44 20 7946 0958"),
        ("+74951234567;ext=12", "+7 495 123-45-67 ext. 12"),
        # What is masked, short, or no number at all stays as it is.
        ("+7900***0184", "+7900***0184"),
        ("1017", "1017"),
        ("+999000000000000", "+999000000000000"),
        ("kate@example.com", "kate@example.com"),
        ("", ""),
    ],
)
def test_a_phone_is_written_as_people_read_it(kept: str, shown: str) -> None:
    assert phone(kept) == shown
