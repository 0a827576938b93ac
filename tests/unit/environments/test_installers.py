"""Who put a path there: shapes by table, on every platform; then what real installers leave."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipy_envmagic.environments.distributions import installed
from ipy_envmagic.environments.installers import PutBy, Where, put_by, put_by_distribution

LINUX = Where("linux", "/home/ada/env", "/usr", "/home/ada", "/home/ada/work", ("/srv/shared",), None, "/nothing there")
SYSTEM = Where("linux", "/usr", "/usr", "/home/ada", "/home/ada/work", (), None, "/nothing there")
FEDORA = SYSTEM
MAC = Where("darwin", "/opt/homebrew/x", "/opt/homebrew/x", "/Users/ada", "/Users/ada/work")
WINDOWS = Where(
    "win32", "C:\\Users\\Ada\\env", "C:\\Python312", "C:\\Users\\Ada", "C:\\Users\\Ada\\work", ("D:\\libs",)
)

STORE = "PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0"

SHAPES = [
    # Debian and Ubuntu
    (SYSTEM, "/usr/lib/python3/dist-packages/yaml/__init__.py", "apt"),
    (SYSTEM, "/usr/lib/python3/dist-packages/PyYAML-6.0.dist-info", "apt"),
    (SYSTEM, "/usr/lib/python3/dist-packages", "apt"),
    (SYSTEM, "/usr/lib/python3/dist-packages/six.py", "apt"),
    (SYSTEM, "/usr/lib/python3.11/dist-packages/foo.py", "apt"),
    (SYSTEM, "/usr/lib/pymodules/python2.7/dist-packages/foo.py", "apt"),
    (SYSTEM, "/usr/local/lib/python3.11/dist-packages/numpy/__init__.py", "sudo pip"),
    (SYSTEM, "/usr/local/lib/python3.11/dist-packages/numpy-2.1.0.dist-info", "sudo pip"),
    (LINUX, "/usr/local/lib/python3.9/dist-packages/x", "sudo pip"),
    # Fedora and its kin
    (FEDORA, "/usr/lib/python3.12/site-packages/dnf/__init__.py", "dnf"),
    (FEDORA, "/usr/lib64/python3.12/site-packages/numpy/__init__.py", "dnf"),
    (FEDORA, "/usr/lib64/python3.9/site-packages/rpm", "dnf"),
    (FEDORA, "/usr/local/lib/python3.12/site-packages/numpy", "sudo pip"),
    (FEDORA, "/usr/local/lib64/python3.12/site-packages/numpy-2.dist-info", "sudo pip"),
    # the user site
    (SYSTEM, "/home/ada/.local/lib/python3.12/site-packages/numpy/__init__.py", "pip --user"),
    (LINUX, "/home/ada/.local/lib/python3.9/site-packages/numpy-2.dist-info", "pip --user"),
    (MAC, "/Users/ada/Library/Python/3.9/lib/python/site-packages/numpy", "pip --user"),
    (MAC, "/Users/ada/.local/lib/python3.12/site-packages/numpy", "pip --user"),
    (WINDOWS, "C:\\Users\\Ada\\AppData\\Roaming\\Python\\Python312\\site-packages\\numpy", "pip --user"),
    (WINDOWS, "c:/users/ada/appdata/roaming/python/python39/site-packages/numpy/core.py", "pip --user"),
    (
        WINDOWS,
        f"C:\\Users\\Ada\\AppData\\Local\\Packages\\{STORE}\\LocalCache\\local-packages\\Python312\\site-packages\\numpy",
        "pip --user",
    ),
    # Homebrew
    (MAC, "/opt/homebrew/Cellar/numpy/2.1.0/lib/python3.12/site-packages/numpy/__init__.py", "homebrew numpy"),
    (MAC, "/usr/local/Cellar/pygments/2.18/lib/python3.12/site-packages/pygments", "homebrew pygments"),
    (MAC, "/opt/homebrew/lib/python3.12/site-packages/numpy", "homebrew"),
    (MAC, "/opt/homebrew/opt/numpy/lib/python3.12/site-packages/numpy", "homebrew"),
    (LINUX, "/home/linuxbrew/.linuxbrew/lib/python3.12/site-packages/numpy", "homebrew"),
    (LINUX, "/home/linuxbrew/.linuxbrew/Cellar/numpy/2.1/lib/python3.12/site-packages/numpy", "homebrew numpy"),
    # eggs
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/foo-1.0-py3.12.egg", "easy_install"),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/foo-1.0-py3.12.egg/foo/__init__.py", "easy_install"),
    (WINDOWS, "C:\\env\\Lib\\site-packages\\foo-1.0-py3.12-win-amd64.egg\\foo.py", "easy_install"),
    (MAC, "/x/lib/python3.12/site-packages/Foo-1.0-py3.12-macosx-14.0-arm64.egg/foo.py", "easy_install"),
    # editable installs
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/__editable___foo_1_0_finder.py", "editable"),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/__editable__.foo-1.0.pth", "editable"),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/_editable_impl_foo.py", "editable"),
    (WINDOWS, "C:\\env\\Lib\\site-packages\\foo.egg-link", "editable"),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/foo.egg-link", "editable"),
    # zip files
    (LINUX, "/home/ada/libs.zip/foo/__init__.py", "zip"),
    (LINUX, "/home/ada/foo-1.0-py3-none-any.whl/foo.py", "zip"),
    (LINUX, "/home/ada/app.pyz", "zip"),
    (WINDOWS, "C:\\libs\\all.zip\\foo.py", "zip"),
    (LINUX, "/srv/spark/python/lib/py4j-0.10-src.zip/py4j/__init__.py", "zip"),
    (LINUX, "/home/ada/eggs/foo-1.0-py3.12.egg/foo.py", "zip"),
    # conda's package cache
    (
        LINUX,
        "/opt/conda/pkgs/numpy-2.1.0-py312h1_0/lib/python3.12/site-packages/numpy",
        "conda package cache numpy-2.1.0-py312h1_0",
    ),
    (LINUX, "/home/ada/.conda/pkgs/six-1.16.0-pyh_0/site-packages/six.py", "conda package cache six-1.16.0-pyh_0"),
    (
        WINDOWS,
        "C:\\miniconda3\\pkgs\\numpy-2.1.0-py312_0\\Lib\\site-packages\\numpy",
        "conda package cache numpy-2.1.0-py312_0",
    ),
    (MAC, "/opt/miniforge3/pkgs/tk-8.6-h1_0/lib/x.py", "conda package cache tk-8.6-h1_0"),
    # PYTHONPATH and the working directory
    (LINUX, "/srv/shared/foo.py", "PYTHONPATH"),
    (LINUX, "/srv/shared/deep/er/foo.py", "PYTHONPATH"),
    (LINUX, "/srv/shared", "PYTHONPATH"),
    (LINUX, "/srv/sharedlike/foo.py", None),
    (WINDOWS, "D:\\libs\\foo.py", "PYTHONPATH"),
    (WINDOWS, "d:/LIBS/foo.py", "PYTHONPATH"),
    (LINUX, "/home/ada/work/foo.py", "working directory"),
    (LINUX, "/home/ada/work/pkg/__init__.py", "working directory"),
    (LINUX, "/home/ada/workshop/foo.py", None),
    (WINDOWS, "C:\\Users\\Ada\\work\\foo.py", "working directory"),
    (MAC, "/Users/ada/work/foo.py", "working directory"),
    # the standard library
    (LINUX, "/usr/lib/python3.12/json/__init__.py", "standard library"),
    (LINUX, "/usr/lib64/python3.12/json/__init__.py", "standard library"),
    (LINUX, "/usr/lib/python3.12/lib-dynload/_json.so", "standard library"),
    (LINUX, "/home/ada/.pyenv/versions/3.12.1/lib/python3.12/os.py", "standard library"),
    (LINUX, "/opt/pypy/lib/pypy3.10/os.py", "standard library"),
    (LINUX, "/x/lib/python3.13t/os.py", "standard library"),
    (WINDOWS, "C:\\Python312\\Lib\\json\\__init__.py", "standard library"),
    (MAC, "/Library/Frameworks/Python.framework/Versions/3.12/lib/python3.12/os.py", "standard library"),
    # what nothing tells
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/foo.py", None),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages/foo-1.0.dist-info", None),
    (LINUX, "/home/ada/env/lib/python3.12/site-packages", None),
    (WINDOWS, "C:\\Users\\Ada\\env\\Lib\\site-packages\\foo", None),
    (LINUX, "/home/ada/downloads/foo.py", None),
    (LINUX, "/", None),
    (LINUX, "", None),
    (LINUX, "relative/foo.py", None),
    (LINUX, "/a\x00b/site-packages/foo", None),
    (LINUX, "/home/ada/site-packages.py", None),
    (LINUX, "/home/ada/my-dist-packages/foo.py", None),
    (WINDOWS, "C:\\", None),
    (WINDOWS, "\\\\server\\share\\foo.py", None),
    (MAC, "/Applications/Thing.app/Contents/foo.py", None),
    (LINUX, "/usr/share/foo/bar.py", None),
    (SYSTEM, "/usr/lib/python3/foo.py", None),
    (SYSTEM, "/usr/libexec/python3.12/site-packages.d", None),
]


@pytest.mark.parametrize(("where", "path", "said"), SHAPES, ids=[path or "(nothing)" for _, path, _ in SHAPES])
def test_what_a_path_s_shape_tells(where, path, said):
    found = put_by(path, where)
    assert (str(found) if found else None) == said


def test_the_table_is_long_enough():
    assert len(SHAPES) >= 80


def of(environment_prefix, home="/nowhere", **more):
    return Where(sys.platform, str(environment_prefix), sys.base_prefix, str(home), **more)


def test_pip_and_uv(new_venv, wheelhouse, offline):
    venv = new_venv(pip=True)
    venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    where = of(venv.path)
    assert put_by(str(venv.site_packages / "envmagic_demo_a.py"), where) == PutBy("pip")
    assert put_by(str(venv.site_packages / "envmagic_demo_a-1.0.dist-info"), where) == PutBy("pip")
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python")
    words = [str(uv), "pip", "install", "-q", "--python", venv.python, "envmagic-demo-package"]
    subprocess.run(words, env={**os.environ, **offline}, check=True)
    assert put_by(str(venv.site_packages / "envmagic_demo_package/part.py"), where) == PutBy("uv")


def test_what_virtualenv_seeds(tmp_path):
    virtualenv = Path(sys.executable).with_name("virtualenv")
    if not virtualenv.exists():
        pytest.skip("virtualenv is not installed beside this Python")
    subprocess.run([virtualenv, "-q", "--no-download", tmp_path / "env"], check=True)
    (pip,) = (tmp_path / "env").glob("lib/python*/site-packages/pip")
    assert str(put_by(str(pip), of(tmp_path / "env"))) in {"pip", "virtualenv"}


def test_the_user_site(new_venv, wheelhouse, home, offline):
    base = f"{sys.base_prefix}/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    if not os.path.exists(base):
        pytest.skip("the base of this environment has no interpreter of its own name")
    words = [base, "-m", "pip", "install", "-q", "--user", "--break-system-packages", "envmagic-demo-a==1.0"]
    done = subprocess.run(words, env={**os.environ, **offline}, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this Python's pip installs nothing for the user: {done.stderr[-200:]}")
    (module,) = home.glob(".local/lib/python*/site-packages/envmagic_demo_a.py")
    assert put_by(str(module), of(sys.base_prefix, home)) == PutBy("pip --user")
    elsewhere = of(sys.base_prefix, "/another/home", user_site=str(module.parent))
    assert put_by(str(module), elsewhere) == PutBy("pip --user")


def test_easy_install(tmp_path):
    """An old setuptools makes real eggs: ``setup.py install``, where the network is not asked for it."""
    for python in sorted(Path(sys.base_prefix).parent.glob("3.[678]*/bin/python3.[0-9]")):
        code = "import setuptools; assert int(setuptools.__version__.split('.')[0]) < 58"
        if subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0:
            break
    else:
        pytest.skip("no Python here has a setuptools before 58")
    (tmp_path / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='envmagic-egg', version='1.0', py_modules=['envmagic_egg'])\n"
    )
    (tmp_path / "envmagic_egg.py").write_text("")
    subprocess.run([python, "-m", "venv", "--system-site-packages", "--without-pip", tmp_path / "env"], check=True)
    words = [tmp_path / "env/bin/python", "setup.py", "-q", "install"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    (egg,) = (tmp_path / "env").glob("lib/python3.*/site-packages/envmagic_egg*.egg")
    assert put_by(str(egg), of(tmp_path / "env")) == PutBy("easy_install")
    index = installed([str(egg.parent)])
    assert put_by_distribution(index["envmagic-egg"], of(tmp_path / "env")) == PutBy("easy_install")


def test_apt_on_this_machine():
    folder = Path("/usr/lib/python3/dist-packages")
    if not folder.is_dir() or not Path("/var/lib/dpkg/info").is_dir():
        pytest.skip("this is no Debian with Python packages of its own")
    where = Where("linux", "/usr", "/usr", "/root")
    seen = 0
    for distribution in installed([str(folder)]).values():
        listed = subprocess.run(["dpkg", "-S", distribution.path], capture_output=True, text=True, check=False)
        if listed.returncode:
            continue
        package = listed.stdout.partition(":")[0]
        if "," in package:
            continue
        found = put_by_distribution(distribution, where)
        assert (found.name, found.package) == ("apt", package), distribution
        seen += 1
    if not seen:
        pytest.skip("dpkg lists no distribution there")


def test_a_conda_environment(tmp_path):
    prefix = tmp_path / "conda/envs/science"
    site = prefix / "lib/python3.12/site-packages"
    (prefix / "conda-meta").mkdir(parents=True)
    for name, installer in (("six", "conda"), ("extra", "pip")):
        info = site / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n")
        (info / "INSTALLER").write_text(f"{installer}\n")
        (info / "RECORD").write_text(f"{name}.py,,\n")
        (site / f"{name}.py").write_text("")
    (site / "plain.py").write_text("")
    (prefix / "conda-meta/six-1.0-pyh_0.json").write_text(
        '{"name": "six", "version": "1.0", "build": "pyh_0", "url": "https://host/conda-forge/noarch/six-1.0-pyh_0.conda",'
        '"files": ["lib/python3.12/site-packages/six-1.0.dist-info/METADATA", "lib/python3.12/site-packages/six.py"]}'
    )
    (prefix / "conda-meta/plain-2.0-h_1.json").write_text(
        '{"name": "plain", "version": "2.0", "build": "h_1", "files": ["lib/python3.12/site-packages/plain.py"]}'
    )
    where = of(prefix)
    assert str(put_by(str(site / "six.py"), where)) == "conda six (conda-forge pyh_0)"
    assert str(put_by(str(site / "six-1.0.dist-info"), where)) == "conda six (conda-forge pyh_0)"
    assert str(put_by(str(site / "extra-1.0.dist-info"), where)) == "pip in conda"
    assert str(put_by(str(site / "extra.py"), where)) == "pip in conda"
    assert str(put_by(str(site / "plain.py"), where)) == "conda plain (h_1)"


def test_an_editable_install_names_its_folder(tmp_path, new_venv):
    venv = new_venv(pip=True)
    info = venv.site_packages / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: mine\nVersion: 1.0\n")
    (info / "INSTALLER").write_text("uv\n")
    (info / "direct_url.json").write_text('{"url": "file:///home/ada/mine", "dir_info": {"editable": true}}')
    found = put_by(str(info), of(venv.path))
    assert (found.name, found.detail) == ("editable", "/home/ada/mine")


@pytest.mark.parametrize("text", ["", "\x00", "pip\n\n", "  uv  ", "p" * 10000])
def test_an_installer_file_may_hold_anything(new_venv, text):
    venv = new_venv()
    info = venv.site_packages / "some-1.0.dist-info"
    info.mkdir()
    (info / "INSTALLER").write_text(text)
    found = put_by(str(info), of(venv.path))
    assert found is None or found.name
