"""Small numbers in words."""

import re

_ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

LARGEST = 100


def spell(number: int) -> str:
    """Raises: ValueError, outside 0 to 100."""
    if not 0 <= number <= LARGEST:
        raise ValueError(f"0 to {LARGEST}, got {number}")
    if number < len(_ONES):
        return _ONES[number]
    if number == LARGEST:
        return "one hundred"
    ten, one = divmod(number, 10)
    return _TENS[ten - 2] + (f"-{_ONES[one]}" if one else "")


# "free" is how "three" is often heard.
_BY_WORD = {spell(number).replace("-", " "): number for number in range(LARGEST + 1)} | {"a hundred": 100, "free": 3}
# The longest first, or "twenty" would be found in "twenty one".
NUMBER = r"\d{1,3}|" + "|".join(sorted(map(re.escape, _BY_WORD), key=len, reverse=True))
"""A regular expression for a number, to be used without regard to case; hyphens are spaces."""


def read(text: str) -> int:
    """The number that `NUMBER` found."""
    return int(text) if text.isdigit() else _BY_WORD[text.lower()]
