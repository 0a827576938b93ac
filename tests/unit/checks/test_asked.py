import sys

import pytest

from ipy_envmagic.checks.asked import Asked, BadRequirement, parse

PYTHON = (3, 12, 1)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("numpy", Asked("numpy", "numpy")),
        ("  cv2 ", Asked("cv2", "cv2")),
        ("sklearn.linear_model", Asked("sklearn.linear_model", "sklearn.linear_model")),
        ("opencv-python", Asked("opencv-python", "opencv-python")),
        ("PyYAML", Asked("PyYAML", "PyYAML")),
        ("_ctypes", Asked("_ctypes", "_ctypes")),
        ("módulo", Asked("módulo", "módulo")),
        ("ruamel.yaml", Asked("ruamel.yaml", "ruamel.yaml")),
        ("discord.py", Asked("discord.py", "discord.py")),
        ("pkg[b,a]", Asked("pkg[b,a]", "pkg", ("a", "b"))),
        ("pkg[]", Asked("pkg[]", "pkg")),
        ("numpy==1.*", Asked("numpy==1.*", "numpy", (), "==1.*")),
        ("pandas >=2, <3", Asked("pandas >=2, <3", "pandas", (), ">=2,<3")),
        ("pkg[a]>=2", Asked("pkg[a]>=2", "pkg", ("a",), ">=2")),
        (
            "pkg @ https://host/pkg.whl#egg=x",
            Asked("pkg @ https://host/pkg.whl#egg=x", "pkg", url="https://host/pkg.whl#egg=x"),
        ),
        ("pkg; python_version<'3'", Asked("pkg; python_version<'3'", "pkg", marker='python_version < "3"')),
    ],
)
def test_requirements_as_people_write_them(text, asked):
    assert parse(text) == asked


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("requirements.txt", "names a file"),
        ("./pkg", "names a file"),
        ("C:\\x\\pkg", "names a file"),
        ("~/wheels", "names a file"),
        ("a.whl", "names a file"),
        ("pyproject.toml", "names a file"),
        ("uv.lock", "names a file"),
        ("-r", "is an option"),
        ("numpy=2", "'numpy==2.1'"),
        ("https://host/x.whl", "'name @ URL'"),
        ("numpy 2", "a name and a version"),
        ("a; nonsense", "marker"),
        ("", "empty"),
        ("[", "a name"),
        ("numpy>>2", "a name and a version"),
        ("\x1b[31m", "no requirement"),
    ],
)
def test_what_cannot_be_read_gets_one_line(text, hint):
    with pytest.raises(BadRequirement) as caught:
        parse(text)
    assert hint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["redis.lock", "zict.zip", "flask.json", "pyct.cfg", "discord.py", "ruamel.yaml"])
def test_a_module_that_is_called_as_files_are_is_none(name, tmp_path):
    assert parse(name, str(tmp_path)).name == name


def test_a_name_that_is_also_a_file_is_a_file(tmp_path):
    assert parse("job.yaml", str(tmp_path)).name == "job.yaml"
    (tmp_path / "job.yaml").touch()
    with pytest.raises(BadRequirement, match="names a file"):
        parse("job.yaml", str(tmp_path))


def test_a_secret_is_not_repeated():
    asked = parse("pkg @ https://me:p@ss@host/pkg.whl")
    assert asked.text == "pkg @ https://****@host/pkg.whl"
    with pytest.raises(BadRequirement) as caught:
        parse("https://me:secret@host/pkg.whl")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "version", "allowed"),
    [
        ("pkg", "anything", True),
        ("pkg>=2", "2.0", True),
        ("pkg>=2", "1.9", False),
        ("pkg==1.*", "1.5.3", True),
        ("pkg>=2", "2.1rc1", True),  # a pre-release that is installed is no surprise
        ("pkg>=2", "not a version", False),
    ],
)
def test_versions(text, version, allowed):
    assert parse(text).allows(version) is allowed


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("python_version < '3.12'", False),
        ("python_version >= '3.12'", True),
        ("python_full_version < '3.12.2'", True),
        (f"sys_platform == '{sys.platform}'", True),
        ("sys_platform == 'nowhere'", False),
        ("extra == 'more'", False),
    ],
)
def test_markers_are_for_the_environment_that_is_looked_at(marker, applies):
    assert parse(f"pkg; {marker}").applies(PYTHON) is applies


def test_plain_names_do_without_packaging(tmp_path):
    import subprocess

    code = (
        "import sys; from ipy_envmagic.checks.asked import parse; parse('numpy[a]'); parse('a.b');"
        "print([name for name in sys.modules if name.startswith('packaging')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
