import pytest

from ipy_envmagic.errors import EnvMagicError
from ipy_envmagic.requirements.files import read


def written(folder, text, name="requirements.txt"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_what_a_file_asks_for(tmp_path):
    path = written(
        tmp_path,
        """\ufeff# a comment
numpy >= 2, < 3   # another
pandas[excel]==2.* ; python_version < "3.14"
requests \\
    >=2.31 \\
    --hash=sha256:aaaa --hash=sha256:bbbb
demo @ https://host/demo-1.0.whl#sha256=aa
--index-url https://host/simple
-e ./mine

# end
${FLAVOUR}-things
$NOT_ONE
""",
    )
    assert read(path, {"FLAVOUR": "sour"}) == [
        "numpy >= 2, < 3",
        'pandas[excel]==2.* ; python_version < "3.14"',
        "requests     >=2.31",
        "demo @ https://host/demo-1.0.whl#sha256=aa",
        "sour-things",
        "$NOT_ONE",
    ]


def test_files_in_files_and_a_circle(tmp_path):
    written(tmp_path, "inner\n-r ../requirements.txt\n", "more/base.txt")
    path = written(tmp_path, "-r more/base.txt\n--requirement=more/base.txt\nouter\n")
    assert read(path, {}) == ["inner", "outer"]


def test_a_relative_path_is_of_the_working_directory(tmp_path):
    written(tmp_path, "numpy\n")
    assert read("requirements.txt", {}, str(tmp_path)) == ["numpy"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe\x00", "is not UTF-8"), (b"a\0b", "is no text file")],
)
def test_what_cannot_be_read_is_one_line(tmp_path, content, words):
    path = tmp_path / "r.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EnvMagicError, match=words) as error:
        read(str(path), {})
    assert "\n" not in str(error.value)
