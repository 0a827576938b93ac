"""What the kernel that runs these tests needs, and what would take it away."""

import sysconfig

import pytest

from ipy_envmagic.environments import distributions
from ipy_envmagic.environments.kernel_needs import names_in, needs, refusal, unmet


@pytest.fixture(scope="module")
def installed():
    return distributions.installed([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])


@pytest.fixture(scope="module")
def needed(installed):
    return needs(installed)


def test_the_closure_holds_what_a_kernel_starts_with(needed):
    assert {"ipykernel", "ipython", "traitlets", "pyzmq", "jupyter-client", "tornado", "pip"} <= set(needed)
    assert "pytest" not in needed
    assert "ipykernel" in needed["jupyter-client"].required_by


@pytest.mark.parametrize(
    ("verb", "requested"),
    [
        ("uninstall", ["ipykernel"]),
        ("uninstall", ["Jupyter_Client"]),
        ("install", ["traitlets<4"]),
        ("install", ["ipykernel==4.0"]),
        ("install", ["six", "ipython==5.0"]),
    ],
)
def test_what_would_end_the_kernel_is_refused(needed, verb, requested):
    line = refusal(verb, requested, needed)
    assert line is not None
    assert "\n" not in line
    assert "--force-kernel" in line


@pytest.mark.parametrize(
    ("verb", "requested"),
    [
        ("uninstall", ["pytest", "hypothesis"]),
        ("install", ["traitlets>=5", "ipykernel", "numpy<2", "./local", "https://host/traitlets-1.whl"]),
        ("list", ["ipykernel"]),
        ("download", ["traitlets<4"]),
    ],
)
def test_what_does_no_harm_passes(needed, verb, requested):
    assert refusal(verb, requested, needed) is None


@pytest.mark.parametrize(
    ("verb", "requested", "refused"),
    [
        ("remove", ["traitlets"], True),
        ("remove", ["--all"], True),
        ("remove", ["conda-forge::traitlets=5"], True),
        ("install", ["python=3.7"], True),
        ("install", ["python=3.12", "numpy=1.26"], False),
        ("remove", ["numpy"], False),
    ],
)
def test_condas_way_to_say_it(needed, verb, requested, refused):
    assert bool(refusal(verb, requested, needed, conda=True, python=(3, 12))) == refused


def test_what_a_change_took_is_named_with_the_line_that_mends(installed, needed):
    assert unmet(installed, needed) == []
    without = {key: one for key, one in installed.items() if key != "traitlets"}
    (line, *_) = unmet(without, needed)
    assert "traitlets" in line
    assert "%pip install" in line


def test_names_in_a_file():
    assert names_in("# x\nNumPy>=2\n-r other.txt\nsome_pkg[extra] ; python_version > '3'\n") == {"numpy", "some-pkg"}
