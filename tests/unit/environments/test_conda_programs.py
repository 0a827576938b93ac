"""Which conda serves a prefix: each place, what comes before what, and what is no program, for each platform."""

import json
import os
from collections.abc import Callable

import pytest

from ipy_envmagic.environments import conda, conda_programs
from ipy_envmagic.environments.environment import Environment

PLATFORMS = ("linux", "darwin", "win32")


class Machine:
    """A machine laid out in a folder."""

    def __init__(self, folder, platform):
        self.folder, self.platform = folder, platform
        self.home, self.environ = folder / "home", {}
        self.prefix = folder / "projects/env"
        (self.prefix / "conda-meta").mkdir(parents=True)
        (self.prefix / "conda-meta/history").touch()
        self.home.mkdir()

    def program(self, path, *, executable=True):
        """Put a program there; ``{root}/conda`` stands for where the platform has it in an installation."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("")
        place.chmod(0o755 if executable else 0o644)
        return str(place)

    def install(self, root, name="conda", **keywords):
        where = f"Scripts/{name}.exe" if self.platform == "win32" else f"bin/{name}"
        (self.folder / root / "conda-meta").mkdir(parents=True, exist_ok=True)
        return self.program(f"{root}/{where}", **keywords)

    def record(self, cache, name="python"):
        package = f"{self.folder}/{cache}/{name}-3.12.1-0"
        text = json.dumps({"name": name, "extracted_package_dir": package, "link": {"source": package, "type": 1}})
        (self.prefix / f"conda-meta/{name}-3.12.1-0.json").write_text(text)

    def history(self, *commands):
        lines = (f"==> 2024-01-01 00:00:00 <==\n# cmd: {command}\n# conda version: 24.7.1\n" for command in commands)
        (self.prefix / "conda-meta/history").write_text("".join(lines))

    def find(self, program="conda"):
        environment = Environment(
            executable=str(self.prefix / "bin/python"),
            prefix=str(self.prefix),
            base_prefix=str(self.prefix),
            version=(3, 12, 1),
            kind="conda",
            name="env",
            site_directories=(),
            manager="conda",
            writable=True,
            externally_managed=None,
            platform=self.platform,
        )
        found = conda.find_conda(environment, self.environ, str(self.home), program=program)
        # What the machine that runs the tests has in /opt or /usr/local is not laid out here.
        return found if found and found.path.startswith(str(self.folder)) else None


@pytest.fixture(params=PLATFORMS)
def machine(request, tmp_path):
    return Machine(tmp_path, request.param)


@pytest.fixture
def linux(tmp_path):
    return Machine(tmp_path, "linux")


def variable(machine):
    machine.environ["CONDA_EXE"] = machine.install("variable")
    return machine.environ["CONDA_EXE"]


def own(machine):
    return machine.install("projects/env")


def records(machine):
    machine.record("recorded/pkgs")
    return machine.install("recorded")


def history(machine):
    path = machine.install("in history")
    machine.history("miniforge3/bin/conda create -n x", f"{path} install -c a b", "/gone/bin/conda remove b")
    return path


def environments_txt(machine):
    (machine.home / ".conda").mkdir()
    text = f"{machine.folder}/gone\n\n{machine.folder}/listed/envs/other\n{machine.folder}/plain\n"
    (machine.home / ".conda/environments.txt").write_text(text)
    return machine.install("listed")


def usual_place(machine):
    return machine.install("home/miniforge3")


def on_path(machine):
    path = machine.program("on path/conda.exe" if machine.platform == "win32" else "on path/conda")
    divider = ";" if machine.platform == "win32" else ":"
    machine.environ["PATH"] = divider.join(["", "relative", str(machine.folder / "gone"), os.path.dirname(path)])
    return path


IN_ORDER: tuple[tuple[Callable[[Machine], str], str], ...] = (
    (own, "the environment's own"),
    (records, "the installation that the environment's records name"),
    (history, "conda-meta/history"),
    (environments_txt, "~/.conda/environments.txt"),
    (usual_place, "the usual places"),
)
EACH = ((variable, "CONDA_EXE"), *IN_ORDER, (on_path, "PATH"))


@pytest.mark.parametrize(("place", "how"), EACH, ids=lambda value: getattr(value, "__name__", ""))
def test_each_place_alone(machine, place, how):
    path = place(machine)
    found = machine.find()
    if place is on_path and found is None:
        pytest.skip("this machine has a conda in a place that comes before PATH")
    assert found == conda.Found(path, "conda", how)


@pytest.mark.parametrize("number", range(len(IN_ORDER)))
def test_what_comes_first_is_taken(machine, number):
    on_path(machine)
    paths = [place(machine) for place, _ in reversed(IN_ORDER[number:])]
    assert machine.find() == conda.Found(paths[-1], "conda", IN_ORDER[number][1])


def test_the_variable_comes_first_where_the_records_name_nothing_else(machine):
    path = variable(machine)
    history(machine)
    usual_place(machine)
    on_path(machine)
    assert machine.find().path == path


def test_the_variable_of_the_owner_comes_first(machine):
    machine.environ["CONDA_EXE"] = records(machine)
    own(machine)
    assert machine.find() == conda.Found(machine.environ["CONDA_EXE"], "conda", "CONDA_EXE")


def test_a_variable_of_another_installation_gives_way_to_the_owner(machine):
    """It was set in the terminal that started Jupyter, for the conda that is active there."""
    variable(machine)
    path = records(machine)
    assert machine.find() == conda.Found(path, "conda", "the installation that the environment's records name")


def test_the_owner_may_be_reached_through_a_link(linux):
    records(linux)
    (linux.folder / "link").symlink_to(linux.folder / "recorded")
    linux.environ["CONDA_EXE"] = str(linux.folder / "link/bin/conda")
    assert linux.find() == conda.Found(linux.environ["CONDA_EXE"], "conda", "CONDA_EXE")


@pytest.mark.parametrize("value", ["", "conda", "bin/conda", "/gone/bin/conda", "{folder}", "{folder}/other", "nul\0"])
def test_a_variable_that_names_no_program_is_passed_over(linux, monkeypatch, value):
    linux.program("other")
    linux.program("work/conda")
    linux.program("work/bin/conda")
    monkeypatch.chdir(linux.folder / "work")
    linux.environ["CONDA_EXE"] = value.format(folder=linux.folder)
    assert linux.find() is None
    path = usual_place(linux)
    assert linux.find().path == path


def test_a_file_that_cannot_be_executed_is_no_program(linux):
    linux.record("recorded/pkgs")
    linux.install("recorded", executable=False)
    linux.environ["CONDA_EXE"] = linux.install("variable", executable=False)
    (linux.folder / "home/miniforge3/bin/conda").mkdir(parents=True)
    assert linux.find() is None


# -- history


@pytest.mark.parametrize(
    ("root", "command"),
    [
        ("with spaces in it", "{root}/bin/conda create -p /x y"),
        ("conda envs", "{root}/bin/conda install a"),
        ("a", "{root}/bin/conda"),
        ("a", "{root}/condabin/conda install a"),
        ("a", "{root}/bin/mamba install a"),
        ("a", "{root}/lib/python3.12/site-packages/conda/__main__.py create -y"),
    ],
)
def test_the_command_in_history(linux, root, command):
    path = linux.install(root)
    linux.history(command.format(root=linux.folder / root))
    assert linux.find() == conda.Found(path, "conda", "conda-meta/history")


@pytest.mark.parametrize(
    "command", ["{root}/Scripts/conda-script.py create", "{root}/Lib/site-packages/conda/__main__.py x"]
)
def test_the_command_in_a_history_of_windows(tmp_path, command):
    machine = Machine(tmp_path, "win32")
    path = machine.install("a b")
    machine.history(command.format(root=tmp_path / "a b"))
    assert machine.find() == conda.Found(path, "conda", "conda-meta/history")


@pytest.mark.parametrize("command", ["conda install a", "bin/conda install a", "", "/", "/no/program/here"])
def test_a_relative_command_says_nothing(linux, monkeypatch, command):
    linux.install("a")
    monkeypatch.chdir(linux.folder / "a")
    linux.history(command)
    assert linux.find() is None


def test_a_block_that_begins_on_the_line_of_pixi_is_read(linux):
    path = linux.install("a")
    (linux.prefix / "conda-meta/history").write_text(f"// not relevant for pixi==> x <==\n# cmd: {path} install y\n")
    assert linux.find().path == path


# -- mamba, micromamba


def test_mamba_and_then_micromamba_stand_in_for_conda(machine):
    micromamba = machine.install("home/micromamba", "micromamba")
    assert machine.find() == conda.Found(micromamba, "micromamba", "the usual places")
    mamba = machine.install("home/mambaforge", "mamba")
    assert machine.find() == conda.Found(mamba, "mamba", "the usual places")
    path = machine.install("home/anaconda3")
    assert machine.find() == conda.Found(path, "conda", "the usual places")


def test_only_conda_has_a_stand_in(machine):
    machine.install("home/miniforge3")
    machine.install("home/micromamba", "micromamba")
    assert machine.find("mamba") is None
    assert machine.find("micromamba").program == "micromamba"


def test_micromambas_variable_is_not_mambas(machine):
    machine.environ["MAMBA_EXE"] = machine.program(
        "m/micromamba.exe" if machine.platform == "win32" else "m/micromamba"
    )
    assert machine.find("mamba") is None
    assert machine.find("micromamba") == conda.Found(machine.environ["MAMBA_EXE"], "micromamba", "MAMBA_EXE")
    mamba = machine.install("home/miniforge3", "mamba")
    assert machine.find("mamba").path == mamba


def test_condas_variable_is_not_mambas(linux):
    linux.environ["CONDA_EXE"] = linux.install("a", "mamba")
    assert linux.find("mamba") is None


@pytest.mark.parametrize(
    ("platform", "path", "environ"),
    [
        ("linux", "home/.local/bin/micromamba", {}),
        ("linux", "home/bin/micromamba", {}),
        ("linux", "home/micromamba/bin/micromamba", {}),
        ("darwin", "home/.local/bin/micromamba", {}),
        ("linux", "root/bin/micromamba", {"MAMBA_ROOT_PREFIX": "{folder}/root"}),
        ("win32", "local/micromamba/micromamba.exe", {"LOCALAPPDATA": "{folder}/local"}),
        ("win32", "root/micromamba.exe", {"MAMBA_ROOT_PREFIX": "{folder}/root"}),
        ("win32", "root/Library/bin/micromamba.exe", {"MAMBA_ROOT_PREFIX": "{folder}/root"}),
    ],
)
def test_where_micromamba_lies(tmp_path, platform, path, environ):
    machine = Machine(tmp_path, platform)
    machine.environ = {name: value.format(folder=tmp_path) for name, value in environ.items()}
    put = machine.program(path)
    assert machine.find("micromamba") == conda.Found(put, "micromamba", "the usual places")


# -- Windows


@pytest.mark.parametrize(
    ("path", "program"),
    [
        ("Scripts/conda.exe", "conda"),
        ("condabin/conda.bat", "conda"),
        ("Library/bin/conda.bat", "conda"),
        ("Library/bin/mamba.exe", "mamba"),
        ("Scripts/mamba.exe", "mamba"),
        ("condabin/mamba.bat", "mamba"),
    ],
)
def test_where_windows_has_it(tmp_path, path, program):
    machine = Machine(tmp_path, "win32")
    machine.environ["LOCALAPPDATA"] = str(tmp_path / "local")
    put = machine.program(f"local/Miniforge3/{path}")
    assert machine.find(program) == conda.Found(put, program, "the usual places")


def test_windows_takes_the_program_before_the_batch_file(tmp_path):
    machine = Machine(tmp_path, "win32")
    machine.record("root/pkgs")
    machine.program("root/condabin/conda.bat")
    assert machine.find().path.endswith("conda.bat")
    machine.program("root/Scripts/conda.exe")
    assert machine.find().path.endswith("conda.exe")


@pytest.mark.parametrize(
    "package", [r"C:\\Users\\me\\miniforge3\\pkgs\\python-3.12.1-0", "C:/Users/me/miniforge3/pkgs/python-3.12.1-0/"]
)
def test_records_of_windows_name_their_root(tmp_path, package):
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta/python-3.12.1-0.json").write_text(f'{{"link": {{"source": "{package}"}}}}')
    assert [root.replace("\\", "/") for root in conda_programs._roots(str(tmp_path))] == ["C:/Users/me/miniforge3"]


# -- the root


def test_the_root_of_an_environment(linux):
    assert conda.root_of(str(linux.prefix)) is None
    records(linux)
    assert conda.root_of(str(linux.prefix)) == str(linux.folder / "recorded")


def test_a_package_cache_alone_is_no_root(linux):
    """As ``~/.conda/pkgs``, where conda puts packages when the installation is not writable, or rattler's cache."""
    linux.record("home/.conda/pkgs", "aaa")
    (linux.home / ".conda/pkgs").mkdir(parents=True)
    assert conda.root_of(str(linux.prefix)) is None
    linux.record("recorded/pkgs", "zzz")
    path = linux.install("recorded")
    assert conda.root_of(str(linux.prefix)) == str(linux.folder / "recorded")
    assert linux.find().path == path


def test_a_base_is_its_own_root(linux):
    (linux.prefix / "condabin").mkdir()
    records(linux)
    assert conda.root_of(str(linux.prefix)) == str(linux.prefix)


def test_an_environment_beside_others_belongs_to_the_folder_above(linux):
    linux.prefix = linux.folder / "root/envs/x"
    (linux.prefix / "conda-meta").mkdir(parents=True)
    path = linux.install("root")
    assert conda.root_of(str(linux.prefix)) == str(linux.folder / "root")
    assert linux.find().path == path


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"link": 3, "extracted_package_dir": 4}', '{"extracted_package_dir": "x"}']
)
def test_odd_records_name_no_root(linux, text):
    (linux.prefix / "conda-meta/x-1-0.json").write_text(text)
    assert conda.root_of(str(linux.prefix)) is None
    assert linux.find() is None
