"""What the kernel needs to start again is not taken away without a word."""

import sysconfig

import pytest
from wheels import metadata as headers_of

from ipy_envmagic.environments.distributions import installed
from ipy_envmagic.environments.kernel_needs import names_in, needs, refusal, unmet

KERNEL = {
    "ipykernel": (
        "6.29.0",
        [
            "comm>=0.1.1",
            "ipython>=7.23.1",
            "jupyter_client>=6.1.12",
            "traitlets>=5.4.0",
            "appnope; sys_platform=='nowhere'",
        ],
    ),
    "ipython": ("8.30.0", ["traitlets>=5.13.0", "jedi>=0.16", "decorator", "pexpect; extra == 'never'"]),
    "comm": ("0.2.2", ["traitlets>=4"]),
    "traitlets": ("5.14.3", []),
    "jedi": ("0.19.2", ["parso<0.9.0,>=0.8.4"]),
    "parso": ("0.8.4", []),
    "decorator": ("5.1.1", []),
    "jupyter_client": ("8.6.3", ["pyzmq[fast]>=23.0"]),
    "pyzmq": ("26.2.0", ["cffi; extra == 'fast'"]),
    "cffi": ("1.17", []),
    "pip": ("24.0", []),
    "numpy": ("2.1.0", []),
    "pexpect": ("4.9", []),
}


def site(folder, distributions):
    for name, (version, requires) in distributions.items():
        directory = folder / f"{name}-{version}.dist-info"
        directory.mkdir(parents=True)
        (directory / "METADATA").write_text(headers_of(name, version, requires=requires))
    return installed([str(folder)])


@pytest.fixture
def kernel(tmp_path):
    return site(tmp_path / "site", KERNEL)


def without(tmp_path, *names, **others):
    changed = {name: value for name, value in KERNEL.items() if name not in names}
    return site(tmp_path / "after", changed | others)


def test_needs(kernel):
    found = needs(kernel)
    assert set(found) == {*(name.replace("_", "-") for name in KERNEL)} - {"numpy", "pexpect"}
    assert found["traitlets"].required_by == ("ipykernel", "comm", "ipython") or set(
        found["traitlets"].required_by
    ) == {*("ipykernel", "comm", "ipython")}
    assert found["cffi"].required_by == ("pyzmq",)
    assert found["parso"].specifiers == ("<0.9.0,>=0.8.4",)
    assert found["parso"].version == "0.8.4"


def test_a_terminal_needs_no_ipykernel(tmp_path):
    distributions = without(tmp_path, "ipykernel", "comm", "jupyter_client", "pyzmq", "cffi")
    found = needs(distributions)
    assert {"ipython", "traitlets", "jedi", "parso"} <= set(found)
    assert "ipykernel" not in found
    assert "IPython could never start again" in refusal("uninstall", ["parso"], found)
    assert refusal("uninstall", ["ipykernel"], found) is None
    assert unmet(distributions, found) == []


def test_nothing_installed():
    assert needs({}) == {}
    assert refusal("uninstall", ["x"], {}) is None


@pytest.mark.parametrize(
    ("subcommand", "requested", "said"),
    [
        ("uninstall", ["comm"], "ipykernel needs comm: without it this kernel could never start again; --force-kernel"),
        ("uninstall", ["numpy", "PyZMQ"], "jupyter-client needs pyzmq"),
        ("uninstall", ["Jupyter.Client"], "ipykernel needs jupyter-client"),
        ("uninstall", ["ipykernel"], "Without ipykernel this kernel could never start again"),
        ("uninstall", ["pip"], "Without pip %pip would be gone"),
        ("install", ["traitlets<5"], "traitlets<5 cannot be: ipykernel needs traitlets>=5.4.0"),
        ("install", ["numpy", "traitlets==5.13.dev0"], "traitlets==5.13.dev0 cannot be"),
        ("install", ["ipykernel==4.0"], "ipykernel==4.0 cannot be: ipy-envmagic needs ipykernel>=6"),
        ("install", ["jupyter_client<6"], "jupyter-client<6 cannot be: ipykernel needs jupyter-client>=6.1.12"),
        ("install", ["parso~=0.9"], "parso~=0.9 cannot be"),
        ("install", ["parso==1.*"], "parso==1.* cannot be"),
        ("install", ["parso!=0.8.*,<0.9"], "parso!=0.8.*,<0.9 cannot be"),
        ("sync", ["requirements.txt"], "also ipykernel"),
    ],
)
def test_refused(kernel, subcommand, requested, said):
    line = refusal(subcommand, requested, needs(kernel))
    assert said in line
    assert line.endswith("--force-kernel does it all the same")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("subcommand", "requested"),
    [
        ("uninstall", ["numpy", "./x", "x @ https://h/x.whl"]),
        ("uninstall", ["appnope"]),
        ("install", ["traitlets", "traitlets>=5", "traitlets<6", "comm==0.2.3", "parso>0.8.4", "parso<=0.8.4"]),
        ("install", ["traitlets<5; python_version < '3'", "traitlets @ https://h/traitlets-4.whl", "./traitlets"]),
        ("install", ["ipython==8.12", "ipykernel>=6", "parso==0.8.5"]),
        ("install", ["jedi>99"]),
        ("install", ["numpy<1"]),
        ("list", ["comm"]),
        ("download", ["traitlets<5"]),
    ],
)
def test_not_refused(kernel, subcommand, requested):
    assert refusal(subcommand, requested, needs(kernel)) is None


def test_what_replaces_the_requirer_too_is_pips_to_solve(kernel):
    assert refusal("install", ["parso==0.7"], needs(kernel))
    assert refusal("install", ["parso==0.7", "jedi==0.17"], needs(kernel)) is None


def test_a_sync_that_keeps_all(kernel):
    found = needs(kernel)
    assert refusal("sync", ["r.txt"], found, kept=set(found)) is None
    kept = names_in("\n".join(f"{name}==1  # why" for name in found if name != "comm"))
    assert "also comm" in refusal("sync", ["r.txt"], found, kept=kept)


def test_names_in_a_file():
    text = "# c\nNumPy>=2\njupyter_client[test] ; python_version>'3'\n-r x\nzope.interface\nx @ https://h\n"
    text += "y==1 \\\n  --hash=sha256:0\n"
    assert names_in(text) == {"numpy", "jupyter-client", "zope-interface", "x", "y"}


@pytest.mark.parametrize(
    ("subcommand", "requested", "said"),
    [
        ("remove", ["comm"], "ipykernel needs comm"),
        ("remove", ["conda-forge::comm"], "ipykernel needs comm"),
        ("remove", ["comm=0.2=py_0"], "ipykernel needs comm"),
        ("uninstall", ["jupyter_client"], "ipykernel needs jupyter-client"),
        ("remove", ["python"], "Without python"),
        ("remove", ["--all"], "--all would remove the environment"),
        ("install", ["comm=0.0"], "comm==0.0.* cannot be"),
        ("install", ["comm=0.0.*"], "comm==0.0.* cannot be"),
        ("install", ["comm 0.0.1"], "comm==0.0.1 cannot be"),
        ("install", ["comm==0.0.1=py_0"], "comm==0.0.1 cannot be"),
        ("install", ["conda-forge/linux-64::traitlets<5"], "traitlets<5 cannot be"),
        ("install", ["traitlets[version='<5',build=*_0]"], "traitlets<5 cannot be"),
        ("install", ["python=3.9"], "%conda create -n NAME python=3.9 ipykernel"),
        ("update", ["python>=3.13"], "would replace the Python 3.12"),
        ("install", ["python<3.12"], "would replace the Python 3.12"),
    ],
)
def test_refused_of_conda(kernel, subcommand, requested, said):
    line = refusal(subcommand, requested, needs(kernel), conda=True, python=(3, 12))
    assert said in line
    assert "--force-kernel" in line


@pytest.mark.parametrize(
    ("subcommand", "requested"),
    [
        (
            "install",
            ["comm", "comm=0.2", "conda-forge::comm>=0.1", "python", "python=3.12", "python=3", "python 3.12.4"],
        ),
        ("install", ["python>=3.10", "python=3.12.*=*_cpython", "comm=0.1|0.2", "numpy=1.26", "./x.conda"]),
        ("remove", ["numpy"]),
        ("update", ["--all"]),
        ("install", ["/path/to/comm-0.0.1-py_0.conda", "comm=not=a=spec=!"]),
    ],
)
def test_not_refused_of_conda(kernel, subcommand, requested):
    assert refusal(subcommand, requested, needs(kernel), conda=True, python=(3, 12)) is None


def test_unmet(kernel, tmp_path):
    before = needs(kernel)
    assert unmet(kernel, before) == []
    after = without(tmp_path, "comm", "traitlets", traitlets=("4.3", []))
    assert unmet(after, before) == [
        "ipykernel needs comm>=0.1.1, which is not installed: %pip install 'comm>=0.1.1'",
        "ipykernel needs traitlets>=5.4.0, and 4.3 is installed: %pip install 'traitlets>=5.4.0'",
        "ipython needs traitlets>=5.13.0, and 4.3 is installed: %pip install 'traitlets>=5.13.0'",
    ]
    assert unmet(after, needs(after)) == []  # it was so before


def test_unmet_where_the_kernel_itself_went(kernel, tmp_path):
    after = without(tmp_path, "ipykernel")
    assert unmet(after, needs(kernel)) == [
        "ipykernel is gone, and this kernel could never start again: %pip install ipykernel"
    ]


def test_metadata_that_nobody_can_read_requires_nothing(tmp_path):
    distributions = site(tmp_path / "s", {"ipykernel": ("6.0", ["what >>is this", "comm ; nonsense == 1", "jedi"])})
    assert set(needs(distributions)) == {"ipykernel", "jedi"}
    assert needs(distributions)["jedi"].missing


def test_the_kernel_that_runs_the_tests():
    distributions = installed([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    found = needs(distributions)
    assert {"ipykernel", "ipython", "traitlets", "pyzmq", "jupyter-client", "tornado"} <= set(found)
    assert "pytest" not in found
    assert "ipykernel" in found["jupyter-client"].required_by
    assert refusal("uninstall", ["six", "Jupyter_Client"], found)
    assert refusal("install", ["six", "ipython==5.0"], found)
    assert refusal("uninstall", ["pytest", "hypothesis"], found) is None
    assert refusal("install", ["traitlets>=5", "ipykernel", "./local", "https://host/traitlets-1.whl"], found) is None
    assert unmet(distributions, found) == []
    (line, *_) = unmet({key: one for key, one in distributions.items() if key != "traitlets"}, found)
    assert "traitlets" in line
    assert "%pip install" in line
