import pytest
from patients import codes


def test_a_module_that_a_package_has_not_is_no_install(here):
    here.put("pkg", modules={"pkg/__init__.py": "", "pkg/part.py": ""})
    check = here.one("pkg.prat.leaf")
    assert codes(check) == ["submodule-missing"]
    assert check.findings[0].message == "pkg is here, but it has no module pkg.prat."
    assert check.findings[0].fix.magic == ()


@pytest.mark.parametrize("init", ["import sys\nsys.modules['pkg.made'] = sys\n", "__path__ = ['elsewhere']\n"])
def test_a_module_that_a_package_makes_itself_is_not_called_missing(here, init):
    here.put("pkg", modules={"pkg/__init__.py": init})
    check = here.one("pkg.made")
    assert (codes(check), check.distribution) == ([], "pkg")
