import os

import pytest

from ipy_envmagic.environments.dpkg import owner_of


@pytest.fixture
def database(tmp_path):
    folder = tmp_path / "var/lib/dpkg/info"
    folder.mkdir(parents=True)

    def put(package, *paths):
        (folder / f"{package}.list").write_text("".join(f"{path}\n" for path in ("/.", *paths)))

    put("python3-yaml", "/usr/lib/python3/dist-packages/yaml", "/usr/lib/python3/dist-packages/yaml/__init__.py")
    put("python3-numpy:amd64", "/usr/lib/python3/dist-packages/numpy")
    put("ufw", "/usr/lib/python3/dist-packages/ufw", "/usr/lib/python3/dist-packages/ufw/util.py")
    put("libc6:amd64", "/lib/libc.so.6")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("/usr/lib/python3/dist-packages/yaml", "python3-yaml"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "python3-yaml"),
        ("/usr/lib/python3/dist-packages/numpy", "python3-numpy"),
        ("/usr/lib/python3/dist-packages/ufw", "ufw"),
        ("/usr/lib/python3/dist-packages/yam", None),
        ("/usr/lib/python3/dist-packages", None),
        ("", None),
        ("/usr/lib/python3/dist-packages/\udcff", None),
    ],
)
def test_which_package_brought_a_path(database, path, package):
    assert owner_of(path, str(database)) == package


def test_no_database_tells_nothing(tmp_path):
    assert owner_of("/usr/lib/python3/dist-packages/yaml", str(tmp_path)) is None
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/info").write_text("a file")
    assert owner_of("/usr/lib/python3/dist-packages/yaml", str(tmp_path)) is None


def test_a_damaged_list_hides_no_other(database):
    folder = database / "var/lib/dpkg/info"
    (folder / "python3-aaa.list").symlink_to("nowhere")
    (folder / "python3-bbb.list").mkdir()
    (folder / "python3-ccc.list").write_bytes(os.urandom(1000))
    assert owner_of("/usr/lib/python3/dist-packages/yaml", str(database)) == "python3-yaml"
