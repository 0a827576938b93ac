from ipy_envmagic.environments.candidates import candidates, same_file


def test_every_place_in_the_order_of_the_path(tmp_path):
    for name in ("one", "two", "three", "four"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "x.py").touch()
    (tmp_path / "two" / "x").mkdir()
    (tmp_path / "four" / "x").mkdir()
    (tmp_path / "four" / "x" / "__init__.py").touch()
    path = [str(tmp_path / name) for name in ("one", "two", "three", "four", "one", "nowhere")]
    found = candidates("x", path)
    assert [(one.kind, one.entry) for one in found] == [
        ("source", path[0]),
        ("namespace", path[1]),
        ("source", path[3]),
    ]
    assert candidates("sys", path) == []


def test_links_lead_to_the_same_file(tmp_path):
    (tmp_path / "real").touch()
    (tmp_path / "link").symlink_to("real")
    assert same_file(str(tmp_path / "real"), str(tmp_path / "link"))
    assert not same_file(str(tmp_path / "real"), str(tmp_path / "other"))
    assert not same_file(None, None)
