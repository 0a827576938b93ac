import pytest
from hypothesis import given
from hypothesis import strategies as st
from patients import codes

from ipy_envmagic.checks.causes.spelling import distance


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [("numpy", "numpy", 0), ("nunpy", "numpy", 1), ("numyp", "numpy", 1), ("nump", "numpy", 1), ("ab", "ba", 1)],
)
def test_how_far_two_words_are(one, other, far):
    assert distance(one, other, 2) == far


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_the_distance_is_the_same_both_ways_and_bounded(one, other):
    far = distance(one, other, 2)
    assert far == distance(other, one, 2)
    assert (far == 0) == (one == other)
    assert far <= 3


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("nunpy", "numpy"),
        ("panda", "pandas"),
        ("matplolib", "matplotlib"),
        ("matplolib.pyplot", "matplotlib"),
        ("sckit-learn", "scikit-learn"),
        ("jsno", "json"),
        ("beautifulsuop4", "beautifulsoup4"),
    ],
)
def test_a_near_miss(here, asked, meant):
    found = here.one(asked)
    assert codes(found) == ["typo"]
    assert f"did you mean {meant}" in found.findings[0].message
    assert found.findings[0].fix.magic == ()


def test_what_is_installed_is_nearest(here):
    here.put("enviromental")
    found = here.one("environmental")
    assert codes(found) == ["typo"]
    assert found.findings[0].message.endswith("did you mean enviromental, which is here?")


@pytest.mark.parametrize("asked", ["numpy", "pandas", "cv2", "PIL", "dash", "attr", "six", "some_own_thing", "abd"])
def test_a_known_name_or_another_word_is_no_near_miss(here, asked):
    assert "typo" not in codes(here.one(asked))


@pytest.mark.parametrize(
    ("asked", "right"), [("YAML", "yaml"), ("yaml.Loader", None), ("pil", "PIL"), ("Sklearn", "sklearn")]
)
def test_upper_and_lower_case(here, asked, right):
    here.put("PyYAML", modules={"yaml/__init__.py": "", "yaml/Loader.py": ""})
    here.put("pillow", modules={"PIL/__init__.py": ""})
    here.put("scikit-learn", modules={"sklearn/__init__.py": ""})
    found = here.one(asked)
    assert ("case-mismatch" in codes(found)) == (right is not None)
    if right:
        assert found.findings[0].message == f"{asked} is spelt {right}: Python tells upper from lower case."


def test_the_name_of_a_distribution_may_be_in_any_case(here):
    here.put("Humanize", modules={"humanize/__init__.py": ""})
    for name in ("humanize", "Humanize", "HUMANIZE"):
        assert codes(here.one(name)) == [], name
