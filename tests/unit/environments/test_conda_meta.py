"""What conda-meta tells, on files as conda, rattler, micromamba and pixi write them."""

import json

import pytest

from ipy_envmagic.environments import conda


def put(prefix, name, version="1.0", build="py312_0", files=(), **more):
    folder = prefix / "conda-meta"
    folder.mkdir(exist_ok=True)
    record = {"name": name, "version": version, "build": build, "files": list(files)} | more
    (folder / f"{name}-{version}-{build}.json").write_text(json.dumps(record))


def lay(prefix, *paths):
    for path in paths:
        (prefix / path).parent.mkdir(parents=True, exist_ok=True)
        (prefix / path).touch()


SITE = "lib/python3.12/site-packages"


# -- records


def test_installed_is_read_from_file_names_alone(tmp_path):
    folder = tmp_path / "conda-meta"
    folder.mkdir()
    for name in (
        "numpy-2.1.3-py312h58c1407_0.json",
        "ca-certificates-2024.8.30-hbcca054_0.json",
        "_x86-64-0_1-1_g.json",
    ):
        (folder / name).write_text("not even JSON")
    (folder / "history").touch()
    (folder / "broken.json").touch()
    assert conda.installed(str(tmp_path)) == {
        "numpy": "2.1.3 py312h58c1407_0",
        "ca-certificates": "2024.8.30 hbcca054_0",
        "_x86-64": "0_1 1_g",
    }


@pytest.mark.parametrize("read", [conda.installed, conda.records])
def test_no_conda_meta_has_no_records(tmp_path, read):
    assert read(str(tmp_path)) == {}
    assert read(str(tmp_path / "gone")) == {}
    assert read("nul\0byte") == {}


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        ("https://conda.example.org/conda-forge/noarch/x-1-0.conda", "conda-forge"),
        ("https://conda.example.org/t/to-ken/private/linux-64/x-1-0.tar.bz2", "private"),
        ("https://repo.anaconda.com/pkgs/main/osx-arm64/x-1-0.conda", "main"),
        ("file:///srv/channels/ours/win-64/x-1-0.conda", "ours"),
        ("", ""),
    ],
)
def test_the_channel_comes_from_the_url(tmp_path, url, channel):
    put(tmp_path, "x", url=url, channel="whatever the writer says")
    assert conda.records(str(tmp_path))["x"].channel == channel


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"name": 1}', '{"name": "x", "version": "1", "build": null}', "[" * 100_000, "\udcff"]
)
def test_a_damaged_record_is_passed_over(tmp_path, text):
    put(tmp_path, "good")
    (tmp_path / "conda-meta/bad-1-0.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert list(conda.records(str(tmp_path))) == ["good"]


def test_a_record_with_odd_files_has_the_others(tmp_path):
    put(tmp_path, "x", files=["a", 1, None, "b"])
    put(tmp_path, "y")
    (tmp_path / "conda-meta/y-1.0-py312_0.json").write_text('{"name":"y","version":"1","build":"0","files":7}')
    found = conda.records(str(tmp_path))
    assert (found["x"].files, found["y"].files) == (("a", "b"), ())


# -- which package brought a distribution


@pytest.mark.parametrize(
    ("package", "file", "distribution"),
    [
        ("numpy", f"{SITE}/numpy-2.1.3.dist-info/METADATA", "numpy"),
        ("msgpack-python", f"{SITE}/msgpack-1.1.0.dist-info/RECORD", "msgpack"),
        ("pytorch", f"{SITE}/torch-2.5.1.dist-info/METADATA", "torch"),
        ("ruamel.yaml", f"{SITE}/ruamel.yaml-0.18.dist-info/METADATA", "ruamel-yaml"),
        ("ruamel.yaml", f"{SITE}/ruamel.yaml-0.18.dist-info/METADATA", "Ruamel_YAML"),
        ("jupyter_core", f"{SITE}/jupyter_core-5.7.dist-info/METADATA", "jupyter-core"),
        ("old", f"{SITE}/Some_Thing-1.0-py3.12.egg-info", "some.thing"),
        ("older", f"{SITE}/some-thing-1.0.dist-info/METADATA", "some_thing"),
        ("py-opencv", "Lib/site-packages/opencv_python-4.10.dist-info/METADATA", "opencv-python"),
    ],
)
def test_the_owner_of_a_distribution(tmp_path, package, file, distribution):
    lay(tmp_path, file)
    put(tmp_path, "aaa", files=[f"{SITE}/aaa.py"])
    put(tmp_path, package, files=["bin/x", file])
    put(tmp_path, "zzz")
    assert conda.owner_of(str(tmp_path), distribution) == package


def test_a_package_whose_name_begins_alike_owns_nothing(tmp_path):
    file = f"{SITE}/numpy_financial-1.0.dist-info/METADATA"
    lay(tmp_path, file, f"{SITE}/numpy-2.1.dist-info/METADATA")
    put(tmp_path, "numpy-financial", files=[file])
    put(tmp_path, "numpy-base", files=[f"{SITE}/numpy/core.so"])
    assert conda.owner_of(str(tmp_path), "numpy") is None
    assert conda.owner_of(str(tmp_path), "numpy-financial") == "numpy-financial"


def test_a_package_of_the_same_name_that_brings_another_thing_owns_nothing(tmp_path):
    put(tmp_path, "snappy", files=["lib/libsnappy.so"])
    assert conda.owner_of(str(tmp_path), "snappy") is None


def test_what_is_not_here_is_searched_for_in_no_record(tmp_path):
    """Reading hundreds of records for every new package would be felt."""
    put(tmp_path, "pytorch", files=[f"{SITE}/torch-2.5.1.dist-info/METADATA"])
    assert conda.owner_of(str(tmp_path), "torch") is None
    lay(tmp_path, f"{SITE}/torch-2.5.1.dist-info/METADATA")
    assert conda.owner_of(str(tmp_path), "torch") == "pytorch"


def test_noarch_records_of_conda_count_too(tmp_path):
    """conda lists the files of noarch packages as they were linked; `paths_data` may have them unmapped."""
    lay(tmp_path, f"{SITE}/six-1.17.0.dist-info/METADATA")
    paths = {"paths": [{"_path": "site-packages/six-1.17.0.dist-info/METADATA"}]}
    put(tmp_path, "six", files=[f"{SITE}/six-1.17.0.dist-info/METADATA"], paths_data=paths)
    assert conda.owner_of(str(tmp_path), "six") == "six"


# -- frozen, pixi


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"message": "ask the administrators"}', "ask the administrators"),
        ("{}", ""),
        ("", ""),
        ("not JSON", ""),
        ('["message"]', ""),
        ('{"message": 3}', ""),
    ],
)
def test_frozen(tmp_path, text, message):
    assert conda.frozen(str(tmp_path)) is None
    (tmp_path / "conda-meta").mkdir()
    assert conda.frozen(str(tmp_path)) is None
    (tmp_path / "conda-meta/frozen").write_text(text)
    assert conda.frozen(str(tmp_path)) == message


@pytest.mark.parametrize(
    ("mark", "text", "manifest"),
    [
        ("pixi", '{"manifest_path": "/p/pixi.toml", "environment_name": "default"}', "/p/pixi.toml"),
        ("pixi", "", ""),
        ("pixi_env_prefix", "/p/.pixi/envs/default/conda-meta", ""),
    ],
)
def test_pixi(tmp_path, mark, text, manifest):
    (tmp_path / "conda-meta").mkdir()
    assert conda.pixi_project(str(tmp_path)) is None
    (tmp_path / "conda-meta" / mark).write_text(text)
    assert conda.pixi_project(str(tmp_path)) == manifest
