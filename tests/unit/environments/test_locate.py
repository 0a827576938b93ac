import os
import time
from pathlib import Path

import pytest

from ipy_envmagic.environments.locate import Located, Surroundings, locate, look_at
from ipy_envmagic.environments.locators import LOCATORS


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def around(tmp_path, home):
    """A function that makes surroundings of which nothing but what the test lays out is seen."""
    (tmp_path / "work").mkdir()

    def make(*, cwd=None, platform="linux", kernels=(), **environ):
        return Surroundings(
            {"PATH": "", **environ},
            str(home),
            str(cwd or tmp_path / "work"),
            platform,
            kernels,
            str(tmp_path / "system"),
        )

    return make


def venv(path, version="3.12", *, cfg=True):
    """Lay out an environment as `venv` does on Linux."""
    (path / "lib" / f"python{version}" / "site-packages").mkdir(parents=True)
    (path / "bin").mkdir()
    (path / "bin/python").symlink_to("python3")
    (path / "bin/python3").symlink_to(f"/usr/bin/python{version}")
    if cfg:
        (path / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}.1\n")
    return path


def windows(path):
    (path / "Lib/site-packages").mkdir(parents=True)
    (path / "Scripts").mkdir()
    (path / "pyvenv.cfg").write_text("home = C:\\Python312\nversion = 3.12.1\n")
    return path


def conda(path):
    (path / "conda-meta").mkdir(parents=True)
    (path / "conda-meta/history").write_text("")
    return venv(path, cfg=False)


def found(surroundings, *, seconds=5.0):
    return {located.prefix: located.how for located in locate(surroundings, seconds=seconds).environments}


def test_nothing_at_all(around):
    assert locate(around()) == ((), False)


LAYOUTS = [
    # how, where it lies below the home, the variables that say so
    ("project folder", "../work/.venv", {}),
    ("project folder", "../work/venv", {}),
    ("project folder", "../.venv", {}),
    ("active", "anywhere/env", {"VIRTUAL_ENV": "{home}/anywhere/env"}),
    ("active", "anywhere/uv", {"UV_PROJECT_ENVIRONMENT": "{home}/anywhere/uv"}),
    ("pdm", ".local/share/pdm/venvs/project-abc-3.12", {}),
    ("poetry", ".cache/pypoetry/virtualenvs/project-abc-py3.12", {}),
    ("poetry", "cache/virtualenvs/project-abc-py3.12", {"POETRY_CACHE_DIR": "{home}/cache"}),
    ("poetry", "envs/project-abc-py3.12", {"POETRY_VIRTUALENVS_PATH": "{home}/envs"}),
    ("hatch", ".local/share/hatch/env/virtual/project/AbC1/project", {}),
    ("hatch", ".local/share/hatch/env/virtual/project", {}),
    ("hatch", "data/env/virtual/project/AbC1/docs", {"HATCH_DATA_DIR": "{home}/data"}),
    ("pipenv", ".local/share/virtualenvs/project-AbC", {}),
    ("pipenv", "data/virtualenvs/project-AbC", {"XDG_DATA_HOME": "{home}/data"}),
    ("pipenv", "work on/env", {"WORKON_HOME": "{home}/work on"}),
    ("virtualenvwrapper", ".virtualenvs/env", {}),
    ("pyenv", ".pyenv/versions/3.12.1", {}),
    ("pyenv", "py/versions/3.12.1", {"PYENV_ROOT": "{home}/py"}),
    ("pyenv", ".pyenv/versions/3.12.1/envs/mine", {}),
    ("uv's Pythons", ".local/share/uv/python/cpython-3.12.1-linux-x86_64-gnu", {}),
    ("uv's Pythons", "pythons/cpython-3.12.1-linux-x86_64-gnu", {"UV_PYTHON_INSTALL_DIR": "{home}/pythons"}),
    ("uv tool", ".local/share/uv/tools/ruff", {}),
    ("uv tool", "tools/ruff", {"UV_TOOL_DIR": "{home}/tools"}),
    ("pipx", ".local/share/pipx/venvs/black", {}),
    ("pipx", ".local/pipx/venvs/black", {}),
    ("pipx", "px/venvs/black", {"PIPX_HOME": "{home}/px"}),
    ("system", "../system/usr", {}),
    ("system", "../system/home/linuxbrew/.linuxbrew", {}),
]


@pytest.mark.parametrize(("how", "place", "variables"), LAYOUTS)
def test_where_each_tool_keeps_its_environments(around, home, how, place, variables):
    prefix = Path(os.path.normpath(home / place))
    venv(prefix)
    variables = {key: value.format(home=home) for key, value in variables.items()}
    assert found(around(**variables)) == {str(prefix): how}


@pytest.mark.parametrize(
    ("how", "place", "variables"),
    [
        ("conda", "miniforge3", {}),
        ("conda", "Miniconda3", {}),
        ("conda", "../system/opt/conda", {}),
        ("conda", "../system/opt/anaconda3", {}),
        ("conda", "miniforge3/envs/science", {}),
        ("conda", "mamba/envs/science", {"MAMBA_ROOT_PREFIX": "{home}/mamba"}),
        ("conda", ".local/share/mamba/envs/science", {}),
        ("conda", "place/envs/science", {"CONDA_EXE": "{home}/place/bin/conda"}),
        ("conda's envs_dirs", ".conda/envs/science", {}),
        ("conda's envs_dirs", "big disk/science", {"CONDA_ENVS_DIRS": "{home}/nowhere:{home}/big disk"}),
        ("conda's envs_dirs", "big disk/science", {"CONDA_ENVS_PATH": "{home}/big disk"}),
        ("active", "some/where", {"CONDA_PREFIX": "{home}/some/where"}),
        ("project folder", "../work/.conda", {}),
        ("pixi", "../work/.pixi/envs/default", {}),
        ("pixi", "../.pixi/envs/test", {}),
        ("pixi", ".pixi/envs/ruff", {}),
        ("pixi", ".cache/rattler/cache/envs/project-123/envs/default", {}),
    ],
)
def test_where_conda_and_pixi_keep_theirs(around, home, how, place, variables):
    prefix = Path(os.path.normpath(home / place))
    conda(prefix)
    variables = {key: value.format(home=home) for key, value in variables.items()}
    assert found(around(**variables)) == {str(prefix): how}


def test_the_list_that_conda_writes(around, home, tmp_path):
    prefix = conda(tmp_path / "far away/envs/science")
    conda(tmp_path / "far away")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_text(f"{prefix}\n\nrelative/path\n{tmp_path}/gone\n")
    assert found(around()) == {str(prefix): "conda's environments.txt", str(tmp_path / "far away"): "conda"}


@pytest.mark.parametrize(
    "text",
    [
        "envs_dirs:\n  - ~/big\n  - /nowhere\n",
        "channels:\n  - x\nenvs_dirs:\n- '~/big'\nalways_yes: true\n",
        'envs_dirs: [/nowhere, "~/big"]\n',
        "envs_path:\n  - ~/big  # the large disk\n",
    ],
)
def test_the_envs_dirs_of_a_condarc(around, home, text):
    prefix = conda(home / "big/science")
    (home / ".condarc").write_text(text)
    assert found(around()) == {str(prefix): "conda's envs_dirs"}


@pytest.mark.parametrize("text", ["", "envs_dirs:", "envs_dirs: 3", "envs_dirs: [", "\x00", "envs_dirs:\n  -\n"])
def test_a_condarc_that_says_nothing(around, home, text):
    (home / ".condarc").write_text(text)
    assert found(around()) == {}


def test_pdm_names_an_interpreter(around, tmp_path):
    prefix = venv(tmp_path / "elsewhere/env")
    (tmp_path / "work/.pdm-python").write_text(f"{prefix}/bin/python\n")
    assert found(around(cwd=tmp_path / "work/deep")) == {str(prefix): "pdm"}


def test_kernels_and_path(around, tmp_path):
    one, other = venv(tmp_path / "one"), venv(tmp_path / "other")
    for prefix in (one, other):
        (prefix / "bin/python3").unlink()
        (prefix / "bin/python3").write_text("")
    surroundings = around(PATH=f"relative:{tmp_path}/nothing:{other}/bin", kernels=(str(one / "bin/python3"), "/gone"))
    assert found(surroundings) == {str(one): "kernelspec", str(other): "PATH"}


def test_user_sites_of_every_python(around, home):
    for version in ("3.9", "3.12"):
        (home / f".local/lib/python{version}/site-packages").mkdir(parents=True)
    (home / ".local/lib/python3.8").mkdir()
    (home / ".local/lib/something").mkdir()
    located = locate(around()).environments
    assert {one.version for one in located} == {(3, 9), (3, 12)}
    assert all(one.is_user_site and one.prefix == str(home / ".local") for one in located)


def test_other_systems(around, home, tmp_path):
    site = home / "Library/Python/3.12/lib/python/site-packages"
    site.mkdir(parents=True)
    framework = venv(tmp_path / "system/opt/homebrew/Frameworks/Python.framework/Versions/3.12", cfg=False)
    poetry = venv(home / "Library/Caches/pypoetry/virtualenvs/x")
    located = locate(around(platform="darwin")).environments
    assert {one.prefix for one in located} == {str(home / ".local"), str(framework), str(poetry)}
    assert next(one for one in located if one.is_user_site).site_directories == (str(site),)


@pytest.mark.parametrize(
    ("how", "place"),
    [
        ("project folder", "../work/.venv"),
        ("virtualenvwrapper", "Envs/x"),
        ("pipenv", ".virtualenvs/x"),
        ("poetry", "local/pypoetry/Cache/virtualenvs/x"),
        ("uv tool", "roaming/uv/tools/ruff"),
        ("uv's Pythons", "roaming/uv/python/cpython-3.12.1-windows-x86_64-none"),
        ("pipx", "pipx/venvs/black"),
        ("conda", "miniconda3"),
        ("conda", "local/miniforge3"),
        ("system", "local/Programs/Python/Python312"),
    ],
)
def test_windows(around, home, how, place):
    prefix = Path(os.path.normpath(home / place))
    windows(prefix)
    if how == "conda":
        (prefix / "conda-meta").mkdir()
    variables = {"APPDATA": str(home / "roaming"), "LOCALAPPDATA": str(home / "local")}
    assert found(around(platform="win32", **variables)) == {str(prefix): how}


def test_each_environment_once_by_the_first_that_names_it(around, home, tmp_path):
    prefix = venv(tmp_path / "work/.venv")
    (home / ".virtualenvs").mkdir()
    (home / ".virtualenvs/link").symlink_to(prefix)
    assert found(around(VIRTUAL_ENV=str(prefix))) == {str(prefix): "active"}


def test_a_version_is_read_off_the_link_or_the_settings_or_the_listing(tmp_path):
    prefix = venv(tmp_path / "a", "3.11")
    assert look_at(str(prefix), "x", "linux").version == (3, 11)
    (prefix / "bin/python3").unlink()
    assert look_at(str(prefix), "x", "linux").version == (3, 11)
    (prefix / "pyvenv.cfg").unlink()
    (prefix / "lib/python3.9/site-packages").mkdir(parents=True)
    assert look_at(str(prefix), "x", "linux").version == (3, 11)
    assert look_at(str(tmp_path), "x", "linux") is None


def test_debian_s_own_folders(tmp_path):
    usr = tmp_path / "usr"
    for folder in ("lib/python3/dist-packages", "local/lib/python3.11/dist-packages", "lib/python3.11", "bin"):
        (usr / folder).mkdir(parents=True)
    (usr / "bin/python3").symlink_to("python3.11")
    sites = (str(usr / "local/lib/python3.11/dist-packages"), str(usr / "lib/python3/dist-packages"))
    assert look_at(str(usr), "system", "linux") == Located(str(usr), "system", sites, (3, 11))


def test_debris_breaks_nothing(around, home, tmp_path):
    for name in (".virtualenvs", ".pyenv", ".local"):
        (home / name).write_text("a file where a folder should be")
    (tmp_path / "work/.venv").symlink_to(".venv")
    (home / ".conda").mkdir()
    (home / ".conda/environments.txt").write_bytes(b"/\x00bad\n/\xff\xfe\n" + b"/x" * 5000 + b"\n")
    (home / ".conda/envs").mkdir()
    (home / ".conda/envs/loop").symlink_to(home / ".conda/envs")
    (home / ".conda/envs/dead").symlink_to("/nowhere")
    good = conda(home / ".conda/envs/good")
    assert found(around(WORKON_HOME="\x00", PYENV_ROOT="relative", CONDA_EXE="/\x00")) == {
        str(good): "conda's envs_dirs"
    }


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="an administrator may read everything")
def test_what_may_not_be_read_hides_no_other(around, home, tmp_path):
    (home / ".virtualenvs").mkdir(mode=0o000)
    prefix = venv(tmp_path / "work/.venv")
    assert found(around()) == {str(prefix): "project folder"}


def test_ten_thousand_entries_are_not_all_looked_at(around, home):
    (home / ".virtualenvs").mkdir()
    for number in range(10_000):
        (home / ".virtualenvs" / f"{number}").mkdir()
    begun = time.perf_counter()
    assert found(around()) == {}
    assert time.perf_counter() - begun < 10


def test_the_time_is_bounded(around, home):
    for number in range(20):
        venv(home / f".virtualenvs/env{number}")
    environments, stopped_short = locate(around(), seconds=0.0)
    assert stopped_short
    assert environments == ()
    assert len(locate(around(), seconds=10.0).environments) == 20


def test_each_locator_has_a_test():
    tested = {how for how, _, _ in LAYOUTS} | {"conda", "conda's envs_dirs", "conda's environments.txt", "pixi"}
    assert {how for how, _ in LOCATORS} == tested | {"kernelspec", "PATH", "user site"}
