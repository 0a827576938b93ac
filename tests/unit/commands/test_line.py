"""The grammar of a line: what people write, what a hostile line may hold, and what holds for every line."""

import pathlib
import string
import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipy_envmagic.commands.line import parse, parse_body, quote
from ipy_envmagic.errors import LineError

EVIL = "x; touch /tmp/pwned | cat > y && `id` $(id) 'q"
NAMES = {
    "pkg": "numpy",
    "ver": "2.0",
    "evil": EVIL,
    "reqs": ["a>=1", "b; python_version<'3'"],
    "where": pathlib.PurePosixPath("/a b/c"),
    "two": "x  y",
    "empty": "",
    "nothing": None,
    "table": {"a": "v"},
}


def evaluate(expression):
    return eval(expression, {}, NAMES)


def words(text, **options):
    return list(parse(text, evaluate, **options).words)


REQUIREMENTS = [
    ("numpy>=2", ["numpy>=2"]),
    ("numpy<2", ["numpy<2"]),
    ("numpy>2", ["numpy>2"]),
    ("numpy!=2", ["numpy!=2"]),
    ("numpy >=2,<3", ["numpy>=2,<3"]),
    ("numpy >= 2, < 3 pandas", ["numpy>=2,<3", "pandas"]),
    ("numpy <2", ["numpy<2"]),
    ("numpy ~=2.0", ["numpy~=2.0"]),
    ("numpy == 1.*", ["numpy==1.*"]),
    ("numpy>=2, !=2.1", ["numpy>=2,!=2.1"]),
    ("'numpy >=2,<3'", ["numpy >=2,<3"]),
    ('"numpy">=2', ["numpy>=2"]),
    ("pkg[extra]", ["pkg[extra]"]),
    ("pkg[a, b]>=1 c", ["pkg[a,b]>=1", "c"]),
    ("pkg @ https://host/x.whl#egg=x&subdirectory=y", ["pkg @ https://host/x.whl#egg=x&subdirectory=y"]),
    ('"pkg @ https://host/x.whl#egg=x&subdirectory=y"', ["pkg @ https://host/x.whl#egg=x&subdirectory=y"]),
    ("pkg@https://host/x.whl", ["pkg@https://host/x.whl"]),
    ("git+https://host/x@main#egg=y&a=1", ["git+https://host/x@main#egg=y&a=1"]),
    ("https://host/x?a=1;b=2|3", ["https://host/x?a=1;b=2|3"]),
    ('pkg; python_version < "3.12"', ['pkg; python_version < "3.12"']),
    ('pkg;python_version<"3.12" other', ['pkg; python_version<"3.12"', "other"]),
    ("pkg ; sys_platform == 'linux'", ["pkg; sys_platform == 'linux'"]),
    ('pkg>=1; python_version < "3" and (os_name!="nt" or extra == "x") b', [
        'pkg>=1; python_version < "3" and (os_name!="nt" or extra == "x")', "b"]),
    ('pkg; "linux" not in sys_platform b', ['pkg; "linux" not in sys_platform', "b"]),
    ('pkg @ https://host/x.whl ; python_version < "3" z', ['pkg @ https://host/x.whl ; python_version < "3"', "z"]),
    ("'pkg; python_version < \"3.12\"'", ['pkg; python_version < "3.12"']),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "expected"), REQUIREMENTS)
def test_a_requirement_is_one_word_quoted_or_not(typed, expected):
    assert words(f"install -U {typed}") == ["install", "-U", *expected]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", []),
        ("  # only a comment", []),
        ("list # comment; | x", ["list"]),
        ("install a#b", ["install", "a#b"]),
        ("install x;", ["install", "x"]),
        ("install x ; # done", ["install", "x"]),
        ("install 'a b' a\\ b \"a b\" a' 'b", ["install", "a b", "a b", "a b", "a b"]),
        ("install '' \"\"", ["install", "", ""]),
        ('install "a\\"b\\\\c\\d"', ["install", 'a"b\\c\\d']),
        ("install *.whl pkg[ab] ?", ["install", "*.whl", "pkg[ab]", "?"]),
        ("install `id` $(id) $1 a$", ["install", "`id`", "$(id)", "$1", "a$"]),
        ("install a&b", ["install", "a&b"]),
    ],
)
def test_words(typed, expected):
    assert words(typed) == expected


def test_a_backslash_is_a_path_on_windows():
    assert words(r'install C:\new\x.whl "C:\a b\"', platform="win32") == ["install", r"C:\new\x.whl", "C:\\a b\\"]
    assert words(r"install C:\new", platform="linux") == ["install", "C:new"]


def test_the_tilde_is_home_only_where_a_shell_would_say_so():
    assert words("install ~/x ~ '~/x' a~/x pkg~=1", home="/h") == ["install", "/h/x", "/h", "~/x", "a~/x", "pkg~=1"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("{pkg}=={ver}", ["numpy==2.0"]),
        ("$pkg==$ver", ["numpy==2.0"]),
        ("{pkg} >=2", ["numpy>=2"]),
        ("{two} -{two}", ["x", "y", "-x", "y"]),
        ('"{two}"', ["x  y"]),
        ("{empty}", []),
        ('"{empty}"', [""]),
        ("{where}", ["/a b/c"]),
        ("{reqs}", ["a>=1", "b; python_version<'3'"]),
        ("{reqs};", ["a>=1", "b; python_version<'3'"]),
        ('{table["a"]} {pkg!r} {pkg:>7} {pkg[0:3]}', ["v", "'numpy'", "numpy", "num"]),
        ("{{pkg}} $$pkg '$pkg' '{pkg}'", ["{pkg}", "$pkg", "$pkg", "numpy"]),
        ("${pkg}[all]", ["numpy[all]"]),
        ('pkg; extra == "{pkg}"', ['pkg; extra == "numpy"']),
        ("{evil}", EVIL.split()),
        ('"{evil}"', [EVIL]),
    ],
)
def test_placeholders(typed, expected):
    assert words(f"install {typed}") == ["install", *expected]


def test_a_dollar_name_is_python_first_then_the_environment():
    given_variables = {"pkg": "other", "WHEELS": "/w"}
    assert words("install $pkg $WHEELS/x ${WHEELS}", environ=given_variables) == ["install", "numpy", "/w/x", "/w"]


@pytest.mark.parametrize(
    ("typed", "tail"),
    [
        ("list | grep torch", "| grep torch"),
        ("list |grep torch", "|grep torch"),
        ("freeze > requirements.txt", "> requirements.txt"),
        ("freeze >requirements.txt", ">requirements.txt"),
        ("freeze >> all.txt", ">> all.txt"),
        ("list 2>/dev/null | cat", "2>/dev/null | cat"),
        ("list && echo done", "&& echo done"),
        ("list || true", "|| true"),
        ("list | awk '{print $1}'", "| awk '{print $1}'"),
        ("list | sed $HOME", "| sed $HOME"),
        ("list | grep {pkg}", "| grep 'numpy'"),
        ('list | grep "a {pkg}"', '| grep "a "\'numpy\'""'),
    ],
)
def test_a_shell_tail_is_kept_as_typed(typed, tail):
    parsed = parse(typed, evaluate)
    assert (parsed.words, parsed.tail) == ((typed.split()[0],), tail)


@pytest.mark.parametrize("around", ["{evil}", '"{evil}"', '"a{evil}b"', "$evil"])
def test_a_value_in_a_shell_tail_is_text_for_a_real_shell(around, tmp_path):
    tail = parse(f"x | printf %s {around}", evaluate).tail
    shown = subprocess.run(["/bin/sh", "-c", f"true {tail}"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert shown.stdout.strip("ab") == EVIL.strip("ab")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ('install "a b', 'the quote " at column 9 is never closed'),
        ("install don't", "the quote ' at column 12"),
        ("install a\\", "ends in a backslash"),
        ("install {nope}", "{nope} is not defined"),
        ("install $nope", "$nope is not defined"),
        ("install a {nope.x} b", "{nope.x} is not defined"),
        ("install {1/0}", "ZeroDivisionError"),
        ("install {", "holds no Python expression"),
        ("install {}", "holds no Python expression"),
        ('install --config-settings={"a": 1', "holds no Python expression"),
        ("install {nothing}", "{nothing} is None"),
        ("install a{reqs}", "one argument for each item"),
        ('install "{reqs}"', "{reqs} is a list"),
        ("install x; rm -rf /", "';' begins an environment marker"),
        ("install x; python_version", "';' begins an environment marker"),
        ("; python_version<'3'", "';' begins an environment marker"),
        ('install pkg; extra == "{evil}"', "has a quote"),
        ("install https://h/x.whl; python_version<'3'", "put a blank before the ';'"),
        ("list|grep x", "put blanks around it"),
        ("list&&echo", "put blanks around it"),
        ("list & ", "a single '&'"),
        ("freeze>requirements.txt", "freeze > requirements.txt"),
        ("install numpy > 2", "could mean a version or a file"),
        ("install numpy >2", "could mean a version or a file"),
        ("install < x", "is no requirement of its own"),
        ("install a\0b", "NUL"),
        ("list | grep 'x", "is never closed"),
    ],
)  # fmt: skip
def test_what_is_ambiguous_or_wrong_is_one_line(typed, says):
    with pytest.raises(LineError) as caught:
        parse(typed, evaluate)
    assert says in caught.value.message
    assert "\n" not in caught.value.message


def test_the_message_shows_how_to_write_it():
    with pytest.raises(LineError) as caught:
        parse("install {nope}", evaluate)
    assert "{{nope}}" in (caught.value.remedy or "")
    assert words("install {{nope}}") == ["install", "{nope}"]


# -- the body of a cell


def test_a_body_is_one_requirement_a_line():
    body = """
    # what we need
    numpy >= 2, < 3      # arrays
    pandas[excel]; python_version < "4"
    {reqs}
    --index-url https://host/simple
    -e ./local project
    pkg @ \\
        https://host/x.whl
    """
    assert parse_body(body.replace("./local project", "'./local project'"), evaluate) == (
        "numpy>=2,<3",
        'pandas[excel]; python_version < "4"',
        "a>=1",
        "b; python_version<'3'",
        "--index-url",
        "https://host/simple",
        "-e",
        "./local project",
        "pkg @ https://host/x.whl",
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("numpy\nnumpy pandas", "line 2 of the cell"),
        ("numpy\n\n{nope}", "line 3 of the cell: {nope} is not defined"),
        ("numpy --hash=sha256:00", "hashes need a requirements file"),
        ("numpy | cat", "shell operator"),
    ],
)
def test_a_wrong_body_names_its_line(body, says):
    with pytest.raises(LineError, match=says.replace("{", r"\{")):
        parse_body(body, evaluate)


# -- what holds for every line

HOSTILE = st.text(st.sampled_from(string.printable + "é漢\0\ud800" + "{}$'\"\\;|&<>#@[]~=!," * 3))


def outcome(read, text, platform):
    """Give the words, or the message of the one error that there may be."""
    try:
        return read(text, {"pkg": "x"}.__getitem__, platform=platform, home="/h")
    except LineError as error:
        return error.message


@given(st.one_of(st.text(), HOSTILE), st.sampled_from(["linux", "win32"]))
def test_no_line_raises_anything_but_the_one_error(text, platform):
    parsed = outcome(parse, text, platform)
    assert parsed.isprintable() if isinstance(parsed, str) else all(isinstance(word, str) for word in parsed.words)
    body = outcome(parse_body, text, platform)
    assert body.isprintable() if isinstance(body, str) else all(isinstance(word, str) for word in body)


WORD = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))


@given(st.lists(WORD), st.sampled_from(["linux", "win32"]))
def test_words_survive_a_round_trip(given_words, platform):
    line = " ".join(quote(word) for word in given_words)
    assert parse(line, {}.__getitem__, platform=platform, home="/h") == parse(line, {}.__getitem__)
    assert list(parse(line, {}.__getitem__, platform=platform).words) == given_words


@given(WORD)
@example("0[")  # extras that end nowhere
@example("0 @")  # a direct reference without its address
def test_no_value_ever_becomes_syntax(value):
    def look(_name):
        return value

    assert parse('install "{v}" end', look).words == ("install", value, "end")
    assert parse("install {v} end", look).words == ("install", *value.split(), "end")
    assert parse("install a={v}", look).tail is None

    def look_list(_name):
        return [value, value]

    assert parse("install {v}", look_list).words == ("install", value, value)


@pytest.mark.parametrize("value", ["0[", "pkg[", "pkg[a,", "numpy>=", "numpy ==", "a @"])
def test_what_follows_a_value_never_continues_it(value):
    for line in ("install {v} end", "install {v} 2"):
        words = parse(line, lambda _name: value).words
        assert words == ("install", *value.split(), line.split()[-1]), line
    assert parse("install pkg[{v}] numpy>= {w}", {"v": "a", "w": "2"}.get).words == ("install", "pkg[a]", "numpy>=2")


@given(WORD.filter(lambda value: "\r" not in value))
def test_no_value_becomes_syntax_in_a_tail(value):
    tail = parse("x | y {v}", lambda _name: value).tail
    assert tail is not None
    import shlex

    assert shlex.split(tail[1:]) == ["y", value]
