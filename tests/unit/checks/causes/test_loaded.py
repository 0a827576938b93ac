import json
import os
import time
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from patients import codes


def upgrade(place, name, old, new, *, load=True, **keywords):
    place.put(name, old, **{key: value[0] for key, value in keywords.items()})
    if load:
        place.load(name)
    place.started = time.time() - 1
    place.take(name)
    return place.put(name, new, **{key: value[1] for key, value in keywords.items()})


def test_a_loaded_module_whose_version_is_no_longer_on_the_disk(here):
    info = upgrade(here, "numpy", "2.1.3", "2.3.5")
    check = here.one("numpy")
    assert codes(check) == ["stale-import"]
    finding = check.findings[0]
    assert finding.message == "numpy 2.1.3 is loaded in this kernel, and 2.3.5 is on the disk."
    assert finding.evidence == {"module": "numpy", "loaded": "2.1.3", "on_disk": "2.3.5", "location": str(info)}
    assert (finding.fix.magic, finding.fix.restart) == ((), True)
    assert check.installed == "2.3.5"


def test_the_disk_satisfies_and_the_kernel_is_behind(here):
    upgrade(here, "numpy", "1.26", "2.0")
    assert codes(here.one("numpy>=2")) == ["stale-import"]


def test_a_sub_module_is_as_stale_as_its_package(here):
    files = [{"pkg/__init__.py": f"__version__ = '{version}'\n", "pkg/part.py": ""} for version in ("1.0", "2.0")]
    upgrade(here, "pkg", "1.0", "2.0", modules=files)
    assert codes(here.one("pkg.part")) == ["stale-import"]


def test_another_module_that_a_package_put_in_the_place_of_its_own_is_not_stale(here):
    here.put("real", modules={"real/__init__.py": "", "real/part.py": ""})
    here.put(
        "alias", modules={"alias/__init__.py": "import sys\nsys.modules['alias.part'] = None\n", "alias/own.py": ""}
    )
    for name in ("real", "alias"):
        here.load(name)
    real = spec_from_file_location("real.part", here.site / "real/part.py")
    for name in ("alias.part", "alias.own"):  # as `requests.packages` has urllib3
        here.modules[name] = module_from_spec(real)
        assert codes(here.one(name)) == [], name
    own = module_from_spec(spec_from_file_location("alias", here.site / "alias/__init__.py"))
    own.__file__ = str(here.site / "real/__init__.py")  # as `tlz` has that of toolz
    here.modules["alias"] = own
    assert codes(here.one("alias")) == []
    del own.__spec__
    assert codes(here.one("alias")) == ["stale-import"]


def test_a_version_that_comes_from_a_file_beside(here):
    def files(version):
        return {
            "pkg/__init__.py": "from pkg._version import __version__\n",
            "pkg/_version.py": f"version = '{version}'\n",
        }

    here.put("pkg", "2.0", modules=files("2.0"))
    here.modules["pkg"] = module = type(os)("pkg")
    module.__file__ = str(here.site / "pkg/__init__.py")
    module.__version__ = "1.0"
    assert codes(here.one("pkg")) == ["stale-import"]
    module.__version__ = "2.0"
    assert codes(here.one("pkg")) == []


@pytest.mark.parametrize(
    ("distribution", "module"),
    [("1.2", "1.1"), ("4.8.0.74", "4.8.0"), ("2.0", "2.0.0"), ("2.0.post1", "2.0"), ("1.0", "unknown"), ("1.0", "")],
)
@pytest.mark.parametrize("after_start", [True, False])
def test_a_version_that_the_project_itself_writes_otherwise_is_not_stale(here, distribution, module, after_start):
    here.put("pkg", distribution, modules={"pkg.py": f"__version__ = {module!r}\n"})
    here.started = time.time() + (-60 if after_start else 60)
    here.load("pkg")
    assert codes(here.one("pkg")) == []


@pytest.mark.parametrize(("distribution", "is_stale"), [("4.8.0.74", False), ("4.9", True)])
def test_a_version_that_no_file_names_is_compared_as_far_as_it_goes(here, distribution, is_stale):
    here.started = time.time() - 60
    here.put("pkg", distribution, modules={"pkg.py": "__version__ = '.'.join('480')\n"})
    here.load("pkg")
    assert (codes(here.one("pkg")) == ["stale-import"]) is is_stale
    here.started = None
    assert codes(here.one("pkg")) == []


def test_what_was_there_before_the_kernel_started_is_not_stale(here):
    here.put("pkg", "1.2", modules={"pkg.py": "import sys\n__version__ = '1.' + '1'\n"})
    here.load("pkg")
    here.started = time.time() + 60
    assert codes(here.one("pkg")) == []


def test_a_function_that_is_written_otherwise_now(here):
    texts = [{"pkg.py": f"def answer():\n    return {number}\n"} for number in (41, 42)]
    upgrade(here, "pkg", "1.0", "1.0", modules=texts)
    check = here.one("pkg")
    assert codes(check) == ["stale-import"]
    assert check.findings[0].message == "an earlier pkg is loaded in this kernel, and 1.0 is on the disk."


def test_functions_that_are_the_same_or_not_the_modules_own_tell_nothing(here):
    text = "import functools\ndef answer():\n    return 42\ndef other():\n    return 1\n"
    upgrade(here, "pkg", "1.0", "1.0", modules=[{"pkg.py": text}] * 2)
    assert codes(here.one("pkg")) == []
    here.modules["pkg"].other = codes  # somebody's patch
    assert codes(here.one("pkg")) == []


def test_a_module_that_was_loaded_from_another_place(here):
    here.put("pkg", "1.0")
    here.load("pkg").__file__ = "/elsewhere/pkg.py"
    check = here.one("pkg")
    assert codes(check) == ["stale-import"]
    assert check.findings[0].evidence == {
        "module": "pkg",
        "loaded_from": "/elsewhere/pkg.py",
        "on_disk": str(here.site / "pkg.py"),
    }
    assert check.findings[0].fix.restart is True


def test_a_module_of_that_name_in_another_package_is_another(here):
    here.put("pkg", "1.0")
    here.load("pkg").__file__ = str(here.site / "vendored/pkg.py")
    assert codes(here.one("pkg")) == ["stale-import"]


def test_a_link_to_the_same_place_is_the_same_place(here, tmp_path):
    here.put("pkg", "1.0")
    (tmp_path / "link").symlink_to(here.site)
    here.load("pkg").__file__ = str(tmp_path / "link/pkg.py")
    assert codes(here.one("pkg")) == []


def test_a_package_that_puts_its_extension_in_its_own_place_is_not_stale(here):
    here.put("opencv-python", "4.8.0.74", modules={"cv2/__init__.py": "", "cv2/cv2.abi3.so": ""})
    here.load("cv2").__file__ = str(here.site / "cv2/cv2.abi3.so")
    here.modules["cv2"].__version__ = "4.8.0"
    assert codes(here.one("opencv-python")) == []


def test_looking_at_a_lazy_module_runs_nothing_of_it(here):
    here.put("pkg", "1.0", modules={"pkg.py": "def __getattr__(name):\n    raise SystemExit(name)\n"})
    here.load("pkg")
    assert codes(here.one("pkg")) == []


PROCESS = """
import json, subprocess, sys
import envmagic_demo_a
from ipy_envmagic.checks.check import check
from ipy_envmagic.checks.session import Session
from ipy_envmagic.environments.environment import Environment

def look(*names):
    report = check(names, Environment.current(), Session.current())
    return [[finding.code for finding in one.findings] for one in report.checks]

found = [look("envmagic-demo-a", "envmagic_demo_a")]
subprocess.run([sys.executable, "-m", "pip", "install", "-q", "envmagic-demo-a==2.0"], check=True)
found.append(look("envmagic-demo-a", "envmagic-demo-a>=2", "envmagic-demo-a<2"))
del sys.modules["envmagic_demo_a"]
import envmagic_demo_a
found.append(look("envmagic-demo-a"))
print(json.dumps(found))
"""


def test_a_real_process_that_a_real_pip_upgrades_under(fresh_venv, wheelhouse, offline):
    fresh_venv.install(wheelhouse / "envmagic_demo_a-1.0-py3-none-any.whl")
    done = fresh_venv.run("-c", PROCESS, env={**os.environ, **offline})
    assert json.loads(done.stdout) == [[[], []], [["stale-import"], ["stale-import"], ["wrong-version"]], [[]]]


def test_what_was_loaded_before_and_after_a_change_of_this_session(patient):
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    before = (
        "import envmagic_demo_package\nget_ipython().run_line_magic('pip', 'install -q envmagic-demo-package==2.0')"
    )
    only_old = patient.see("envmagic-demo-package", before=before)
    assert only_old.codes == ["stale-import"]
    patient.venv.pip("install", "envmagic-demo-package==1.0", env=dict(patient.env))
    proof = "import envmagic_demo_package as p, envmagic_demo_package.part as part; assert p.__version__ == part.value"
    cured = patient.cure("envmagic-demo-package", before=f"{before}\nimport envmagic_demo_package.part", proof=proof)
    assert cured.before.codes == ["mixed-import"]
    assert cured.before.restart
    assert "envmagic_demo_package.part as it is now" in cured.before.findings[0]["message"]
    assert cured.after.codes == []


def test_what_was_removed_while_it_is_loaded(patient):
    patient.venv.pip("install", "envmagic-demo-a", env=dict(patient.env))
    before = "import envmagic_demo_a\nget_ipython().run_line_magic('pip', 'uninstall -q envmagic-demo-a')"
    seen = patient.see("envmagic_demo_a", before=before, proof="import envmagic_demo_a")
    assert seen.codes == ["removed-since-import"]
    assert seen.failure is None
    assert seen.report["ok"]
