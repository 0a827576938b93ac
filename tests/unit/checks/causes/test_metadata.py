from patients import codes


def test_a_version_that_nothing_tells_is_a_warning(here):
    (here.site / "copied.py").touch()
    check = here.one("copied>=2")
    assert (codes(check), check.status) == (["metadata-missing"], "warning")
    assert codes(here.one("copied")) == []
