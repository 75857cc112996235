import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtc.core.stop_words import END_OF_WORDS_S, FRESH_S, LEAD_S, LONGEST_LOOK_S, LOOK_EVERY_S, Looks, StopWords

WINDOW_S = 0.032


@pytest.mark.parametrize(
    "text",
    ["computer", "Hello, Computer!", "The COMPUTER.", "ok computer", "Hey, Siri? Well", "hey siri", "Hey... siri"],
)
def test_a_stop_word_is_found_whatever_its_case_and_punctuation(text):
    assert StopWords(["computer", "hey siri"]).are_in(text)


@pytest.mark.parametrize("text", ["", "computers", "microcomputer", "hey", "siri hey", "hey there siri", "com puter"])
def test_a_part_of_it_is_none(text):
    assert not StopWords(["computer", "hey siri"]).are_in(text)


def test_apostrophes_are_of_one_kind():
    assert StopWords(["what's up"]).are_in("What\N{RIGHT SINGLE QUOTATION MARK}s up?")


@pytest.mark.parametrize("phrases", [[], [""], ["computer", " ?"]])
def test_without_a_word_there_is_nothing_to_look_for(phrases):
    with pytest.raises(ValueError, match="stop_words are words or phrases"):
        StopWords(phrases)


def looks_at(speech: str) -> list:
    """`speech` has a character for each window, `#` for speech."""
    looks = Looks()
    found = []
    for index, character in enumerate(speech):
        look = looks.heard(index * WINDOW_S, (index + 1) * WINDOW_S, speaking=character == "#")
        if look is not None:
            found.append(look)
    return found


def windows(seconds: float) -> int:
    return round(seconds / WINDOW_S)


def test_silence_is_not_looked_at():
    assert looks_at("." * windows(10)) == []


def test_a_word_is_looked_at_once_after_it():
    (look,) = looks_at("." * 50 + "#" * 10 + "." * 100)
    assert look.begin_s == look.new_s == pytest.approx(50 * WINDOW_S - LEAD_S)
    assert 60 * WINDOW_S + END_OF_WORDS_S <= look.end_s < 60 * WINDOW_S + END_OF_WORDS_S + WINDOW_S


def test_long_speech_is_looked_at_again_and_again_and_no_further_back_than_it_takes():
    found = looks_at("#" * windows(6))
    assert found[0].end_s == pytest.approx(LOOK_EVERY_S, abs=WINDOW_S)
    for before, after in zip(found, found[1:], strict=False):
        assert after.end_s - before.end_s == pytest.approx(LOOK_EVERY_S, abs=WINDOW_S)
        assert after.new_s == before.end_s
        assert after.end_s - after.begin_s <= LONGEST_LOOK_S + 1e-9
    assert found[-1].end_s - found[-1].begin_s == pytest.approx(LONGEST_LOOK_S)


def test_what_was_said_long_ago_is_not_looked_at_again():
    first, second = looks_at("#" * 10 + "." * (windows(FRESH_S) + 1) + "#" * 10 + "." * 20)
    assert second.begin_s == pytest.approx((10 + windows(FRESH_S) + 1) * WINDOW_S - LEAD_S)
    assert second.begin_s > first.end_s


@given(st.text(alphabet="#.", min_size=1, max_size=600))
def test_all_speech_is_looked_at(speech):
    """Up to what may still be going on at the end."""
    looks = looks_at(speech + "." * windows(END_OF_WORDS_S + 2 * WINDOW_S))
    for index, character in enumerate(speech):
        if character == "#":
            begin_s, end_s = index * WINDOW_S, (index + 1) * WINDOW_S
            assert any(look.begin_s <= begin_s + 1e-9 and end_s <= look.end_s + 1e-9 for look in looks)
