import json
import re

import pytest
from wheels import make_wheel

from ipy_envmagic.checks.asked import BadRequirement
from ipy_envmagic.checks.copies import copies_in, wanted
from ipy_envmagic.checks.everywhere import everywhere


@pytest.fixture
def look(here):
    def look(*names):
        return everywhere(names, here.environment, here.session)

    return look


def copies(listing):
    return listing.to_dict()["copies"]


def test_no_copy_at_all(look):
    listing = look("numpy")
    assert copies(listing) == []
    assert listing.verdict == "no copy of numpy on this machine"
    assert listing.ok


def test_the_one_that_this_kernel_imports_is_marked(look, here, shell):
    here.put("numpy", "2.1.0")
    shell.put("numpy", "1.26.4", installer="uv")
    listing = look("numpy")
    mine, other = copies(listing)
    assert (mine["version"], mine["installer"], mine["imported"]) == ("2.1.0", "pip", True)
    assert (other["version"], other["installer"], other["imported"]) == ("1.26.4", "uv", False)
    assert mine["location"] == str(here.site / "numpy.py")
    assert other["environment"]["prefix"] == str(shell.venv.path)
    assert other["environment"]["name"] == "venv shell environment"
    assert re.fullmatch(r"3\.\d+(\.\d+)?", other["environment"]["python"])
    assert listing.marked == {0}
    assert listing.verdict == "2 copies of numpy in 2 environments; the marked one is imported here"


def test_two_copies_on_one_path(look, here, tmp_path):
    here.put("numpy", "2.1.0")
    extra = tmp_path / "shared"
    extra.mkdir()
    (extra / "numpy.py").write_text("")
    here.first = (str(extra),)
    here.environ["PYTHONPATH"] = str(extra)
    first, second = copies(look("numpy"))
    assert (first["location"], first["installer"], first["imported"]) == (str(extra / "numpy.py"), "PYTHONPATH", True)
    assert (second["version"], second["imported"]) == ("2.1.0", False)


def test_kernels_that_use_an_environment_are_named(look, here, shell):
    shell.put("numpy")
    folder = here.home / ".local/share/jupyter/kernels/other"
    folder.mkdir(parents=True)
    argv = [shell.venv.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "The other", "language": "python"}))
    (copy,) = copies(look("numpy"))
    assert copy["kernelspecs"] == ["The other"]
    assert copy["environment"]["found_by"] == "kernelspec"


def test_import_names_and_distribution_names(look, here, shell):
    here.put("opencv-python", "4.9", modules={"cv2/__init__.py": ""})
    shell.put("opencv-python-headless", "4.10", modules={"cv2/__init__.py": ""})
    shell.put("PyYAML", "6.0", modules={"yaml/__init__.py": ""})
    assert [copy["version"] for copy in copies(look("cv2"))] == ["4.9", "4.10"]
    assert [copy["version"] for copy in copies(look("yaml"))] == ["6.0"]
    assert [copy["version"] for copy in copies(look("PyYAML>=5"))] == ["6.0"]
    assert [copy["version"] for copy in copies(look("pyyaml"))] == ["6.0"]
    assert [copy["requirement"] for copy in copies(look("cv2", "yaml"))] == ["cv2", "cv2", "yaml"]


def test_the_user_site_of_another_python(look, here):
    site = here.home / ".local/lib/python3.8/site-packages"
    site.mkdir(parents=True)
    (site / "numpy").mkdir()
    (site / "numpy/__init__.py").write_text("")
    (site / "numpy-1.0.dist-info").mkdir()
    (copy,) = copies(look("numpy"))
    assert (copy["installer"], copy["environment"]["name"]) == ("pip --user", "user site")
    assert copy["environment"]["python"] == "3.8"


def test_what_is_no_requirement(look):
    with pytest.raises(BadRequirement):
        look("numpy >>")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_faces(look, here, shell, width):
    here.put("numpy", "2.1.0")
    shell.put("numpy", "1.26.4")
    listing = look("numpy")
    text = listing.to_text(width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "2.1.0" in text
    assert "1.26.4" in text
    html = listing.to_html()
    assert html.count("<tr>") == 3
    assert "<script" not in html
    json.dumps(listing.to_dict())


def test_hostile_names_are_only_text(look, here):
    here.put("numpy", "2.1.0", installer="<script>alert(1)</script>")
    html = look("numpy").to_html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("name", "entries", "found"),
    [
        ("numpy", ["numpy", "numpy-2.1.0.dist-info"], ("numpy", "2.1.0")),
        ("numpy", ["numpy-stl", "numpy_stl-3.0.dist-info"], None),
        ("numpy", ["numpy_stl-3.0.dist-info", "numpy.libs"], None),
        ("PyYAML", ["yaml", "PyYAML-6.0.dist-info"], ("PyYAML", "6.0")),
        ("yaml", ["yaml", "pyyaml-6.0.1.dist-info"], ("pyyaml", "6.0.1")),
        ("ruamel.yaml", ["ruamel", "ruamel.yaml-0.18.dist-info"], ("ruamel.yaml", "0.18")),
        ("ruamel.yaml", ["ruamel", "ruamel_yaml-0.18.dist-info"], ("ruamel-yaml", "0.18")),
        ("scikit-learn", ["sklearn", "scikit_learn-1.5.dist-info"], ("scikit-learn", "1.5")),
        ("foo", ["foo-1.0-py3.12.egg"], ("foo", "1.0")),
        ("foo", ["foo.egg-link"], ("foo", None)),
        ("foo", ["Foo-1.0.egg-info"], ("Foo", "1.0")),
        ("foo", ["foo.cpython-312-x86_64-linux-gnu.so"], (None, None)),
        ("foo", ["foo.py"], (None, None)),
        ("foo", ["foo.txt", "foobar.py", "~oo-1.0.dist-info"], None),
    ],
)
def test_one_listing_tells(tmp_path, name, entries, found):
    for entry in entries:
        path = tmp_path / entry
        if entry.endswith((".py", ".so", ".egg-link", ".txt")):
            path.write_text("")
        else:
            path.mkdir()
    copies = list(copies_in([str(tmp_path)], wanted(name)))
    if found is None:
        assert copies == []
        return
    (copy,) = copies
    assert (copy.distribution.name if copy.distribution else None) == found[0]
    assert (copy.distribution.version if copy.distribution else None) == found[1]


def test_what_cannot_be_listed_has_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    assert list(copies_in([str(tmp_path / "file"), str(tmp_path / "gone"), "\x00"], wanted("numpy"))) == []


def test_a_module_whose_distribution_has_another_name(here, tmp_path):
    make_wheel(tmp_path, "some-project", "1.5", modules={"unguessable/__init__.py": ""})
    here.put("some-project", "1.5", modules={"unguessable/__init__.py": ""})
    (copy,) = copies_in([str(here.site)], wanted("unguessable"))
    assert (copy.distribution.name, copy.distribution.version) == ("some-project", "1.5")
