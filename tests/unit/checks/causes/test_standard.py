import os

import pytest
from patients import codes


@pytest.mark.parametrize("name", ["json", "os.path", "sys", "email.mime.text", "sqlite3"])
def test_the_standard_library_is_fine(here, name):
    here.modules.update({"os.path": os.path})
    check = here.one(name)
    assert (codes(check), check.installer, check.distribution) == ([], "standard library", None)


def test_a_module_of_the_standard_library_that_was_not_built(here):
    name = "msvcrt" if os.name != "nt" else "posix"
    check = here.one(name)
    assert codes(check) == ["stdlib-missing"]
    assert check.findings[0].fix.magic == ()
