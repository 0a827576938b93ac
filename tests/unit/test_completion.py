import pytest

from ipy_envmagic.completion import offer
from ipy_envmagic.environments.tables import rows


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    for name in ("numpy-2.1.0", "nunavut-1.0", "PyYAML-6.0"):
        (folder / f"{name}.dist-info").mkdir(parents=True)
    return str(folder)


def words(before, site, **keywords):
    found = offer(before, [site], **keywords)
    return None if found is None else [word for word, _ in found.words]


@pytest.mark.parametrize(
    ("before", "some"),
    [
        ("%pip ", {"install", "uninstall", "list", "show"}),
        ("pip ins", {"install", "inspect"}),
        ("r = %pip unin", {"uninstall"}),
        ("%%pip inst", {"install"}),
        ("%conda ", {"install", "remove", "list", "env"}),
        ("%mamba inst", {"install"}),
        ("%conda env ", {"create", "update", "list"}),
        ("%uv ", {"pip", "add", "sync"}),
        ("%uv pip ", {"install", "uninstall", "list"}),
        ("%pip install --up", {"--upgrade"}),
        ("%pip install numpy --no-", {"--no-deps", "--no-index"}),
        ("%uv pip install --rein", {"--reinstall"}),
        ("%conda install --f", {"--freeze-installed"}),
        ("%envcheck --", {"--deep", "--everywhere", "--kernels", "--strict"}),
        ("%pip uninstall nu", {"numpy", "nunavut"}),
        ("%pip show py", {"PyYAML"}),
        ("%pip install -U nu", {"numpy", "nunavut"}),
        ("%conda remove nu", {"numpy", "nunavut"}),
        ("%pip install scikit-l", {"scikit-learn"}),
        ("%envcheck sklea", {"sklearn"}),
        ("%uv pip install matplot", {"matplotlib"}),
    ],
)
def test_what_is_offered(site, before, some):
    assert some <= set(words(before, site)), words(before, site)


@pytest.mark.parametrize(
    "before", ["x = 1", "import pip", "pip = ", "pip.main", "%pi", "%%bash ", "print(pip ", "!pip ins", ""]
)
def test_other_lines_are_left_alone(site, before):
    assert offer(before, [site]) is None


def test_an_upgrade_offers_only_what_is_here(site):
    assert words("%pip install -U scikit", site) == []
    assert words("%pip uninstall scikit", site) == []


def test_files_and_folders(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requirements.txt").write_text("")
    (tmp_path / "reqs").mkdir()
    (tmp_path / "reqs/dev.txt").write_text("")
    (tmp_path / ".hidden").mkdir()
    assert words("%pip install -r re", site) == ["reqs/", "requirements.txt"]
    assert words("%envcheck -r reqs/", site) == ["reqs/dev.txt"]
    assert words("%pip install -e ", site) == ["reqs/", "site/"]
    assert words(f"%pip install -r {tmp_path}/req", site) == [f"{tmp_path}/reqs/", f"{tmp_path}/requirements.txt"]
    assert words("%pip install -r /nowhere/", site) == []


def test_the_body_of_a_cell(site):
    assert "scikit-learn" in words("scikit", site, is_cell=True)
    assert words("numpy>=2 ", site, is_cell=True)


def test_a_word_is_offered_once_and_what_is_here_first(site):
    found = words("%pip install nump", site)
    assert found.count("numpy") == 1
    assert offer("%pip install nump", [site]).words[0] == ("numpy", "installed")


def test_the_table_has_what_people_type():
    table = {(program, command): options.split() for program, command, options in rows("options", 3)}
    assert "--no-deps" in table["pip", "install"]
    assert "--python" in table["uv", "pip install"]
    assert "--channel" in table["conda", "install"]
    assert all(option.startswith("--") for options in table.values() for option in options)
