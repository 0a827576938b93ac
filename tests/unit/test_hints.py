import importlib.util
import os

import pytest

from ipy_envmagic.hints import after_import_error, after_shell_command, failed_import, installs_in_shell


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("!pip install numpy", ("pip", "%pip install numpy")),
        ("  !pip3 install -q numpy>=2", ("pip", "%pip install -q numpy>=2")),
        ("x = 1\n!pip3.12 install numpy", ("pip", "%pip install numpy")),
        ("!python -m pip install numpy", ("pip", "%pip install numpy")),
        ("!python3.12 -m pip uninstall -y numpy", ("pip", "%pip uninstall -y numpy")),
        ("!sudo pip install numpy", ("pip", "%pip install numpy")),
        ("!sudo -H pip install numpy", ("pip", "%pip install numpy")),
        ("!!pip install numpy", ("pip", "%pip install numpy")),
        ("%sx pip install numpy", ("pip", "%pip install numpy")),
        ("%system pip install numpy", ("pip", "%pip install numpy")),
        ("%%bash\nset -e\npip install numpy", ("pip", "%pip install numpy")),
        ("%%sh\n  conda install -y numpy\n", ("conda", "%conda install -y numpy")),
        ("!conda install -c conda-forge numpy", ("conda", "%conda install -c conda-forge numpy")),
        ("!mamba update numpy", ("conda", "%mamba update numpy")),
        ("!micromamba remove numpy", ("conda", "%micromamba remove numpy")),
        ("!uv pip install numpy", ("uv", "%uv pip install numpy")),
        ("!pip install numpy && echo done", ("pip", "%pip install numpy")),
        ("!pip install numpy; ls", ("pip", "%pip install numpy")),
        ("!pip list", None),
        ("!pip download numpy", None),
        ("%pip install numpy", None),
        ("pip install numpy", None),
        ("print('!pip install numpy')", None),
        ("# !pip install numpy", None),
        ("!echo pip install numpy", None),
        ("!{sys.executable} -m pip install numpy", None),
        ("!uv add numpy", None),
        ("!", None),
        ("", None),
    ],
)
def test_which_command_installs_through_the_shell(cell, found):
    assert installs_in_shell(cell) == found


def test_a_line_follows_only_where_the_shell_acts_elsewhere(new_venv, monkeypatch):
    other = new_venv("other", pip=True)
    monkeypatch.setenv("PATH", f"{other.bin}{os.pathsep}/usr/bin:/bin")
    said = after_shell_command("!pip install numpy")
    assert f"The shell's pip acts on {other.path}, not on this kernel" in said
    assert said.endswith("For this kernel: %pip install numpy")
    assert after_shell_command("!pip list") is None
    monkeypatch.setenv("PATH", "/nowhere")
    assert after_shell_command("!pip install numpy") is None


def test_a_conda_for_a_kernel_that_is_not_conda_s(tmp_path, monkeypatch):
    (tmp_path / "conda/conda-meta").mkdir(parents=True)
    (tmp_path / "conda/bin").mkdir()
    (tmp_path / "conda/bin/conda").write_text("#!/bin/sh\n")
    (tmp_path / "conda/bin/conda").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "conda/bin"))
    assert after_shell_command("!conda install numpy").endswith("For this kernel: %pip install numpy")


# -- after an import that failed


def raised(code):
    try:
        exec(code, {})
    except BaseException as error:  # noqa: BLE001 (that is what is looked at)
        return error
    raise AssertionError(f"{code} raised nothing")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import surely_nowhere", "surely_nowhere"),
        ("import surely_nowhere.part", "surely_nowhere"),
        ("from json import surely_nowhere", "json"),
        (
            "try:\n    import surely_nowhere\nexcept ImportError as e:\n    raise RuntimeError('x') from e",
            "surely_nowhere",
        ),
        ("try:\n    import surely_nowhere\nexcept ImportError:\n    raise RuntimeError('x')", "surely_nowhere"),
        ("try:\n    import surely_nowhere\nexcept ImportError:\n    raise RuntimeError('x') from None", None),
        ("try:\n    import first_one\nexcept ImportError:\n    import second_one", "first_one"),
        ("1 / 0", None),
        ("raise ImportError('no name')", None),
        ("raise ImportError('odd', name='a b')", None),
        ("raise ImportError('odd', name='')", None),
        ("e = ValueError()\ne.__cause__ = e\nraise e", None),
        ("raise SystemExit", None),
    ],
)
def test_which_import_failed(code, name):
    assert failed_import(raised(code)) == name


def test_what_is_said_of_it():
    said = after_import_error(raised("import cv2_surely_nowhere"), {})
    assert said.startswith("Hint: cv2_surely_nowhere is not installed in this kernel's environment.")
    assert "%pip install" not in said, "a guess is no advice"
    assert after_import_error(raised("from json import surely_nowhere"), {}) is None
    assert after_import_error(raised("1 / 0"), {}) is None


def test_a_known_name_comes_with_its_line():
    lines = {"sklearn": "%pip install scikit-learn", "bs4": "%pip install beautifulsoup4", "cv2": "opencv-python"}
    absent = [module for module in lines if importlib.util.find_spec(module) is None]
    if not absent:
        pytest.skip("this environment has all of them")
    assert lines[absent[0]] in after_import_error(raised(f"import {absent[0]}"), {})
