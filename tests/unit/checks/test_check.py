import json
import subprocess
import sys
from dataclasses import replace

import pytest
from patients import codes

from ipy_envmagic.checks.report import Report


def test_several_at_once_in_their_order(here):
    here.put("numpy", "2.1.0", installer="uv")
    here.put("pandas", "1.5.3")
    report = here.check("numpy", "pandas>=2", "=", "requirements.txt", "wheel; python_version < '3'", "json")
    assert [check.requirement for check in report.checks] == [
        *("numpy", "pandas>=2", "=", "requirements.txt", "wheel; python_version < '3'", "json"),
    ]
    assert [codes(check) for check in report.checks] == [
        [],
        ["wrong-version"],
        ["bad-requirement"],
        ["bad-requirement"],
        ["not-needed"],
        [],
    ]
    assert [check.status for check in report.checks] == ["ok", "error", "error", "error", "ok", "ok"]
    assert not report.ok
    assert report.checks[0].installer == "uv"
    assert report.seconds > 0
    json.dumps(report.to_dict())


def test_the_kernel_that_was_looked_at(here):
    kernel = here.check().to_dict()["kernel"]
    assert kernel["prefix"] == str(here.venv.path)
    assert kernel["version"].split(".") == [str(part) for part in sys.version_info[:3]]
    assert kernel["kind"] == "venv"
    assert kernel["kernelspec"] is None
    assert here.check().ok


def test_a_healthy_package_has_no_finding_by_any_of_its_names(here):
    here.put("PyYAML", "6.0", modules={"yaml/__init__.py": "__version__ = '6.0'\n", "_yaml/__init__.py": ""})
    modules = {"numpy/__init__.py": "", "numpy/linalg/__init__.py": ""}
    here.put("numpy", "2.1.0", modules=modules, extras={"extra": []})
    here.load("yaml")
    for name in ("PyYAML", "pyyaml", "pyyaml>=5", "numpy", "NumPy", "numpy.linalg", "numpy[extra]"):
        assert codes(here.one(name)) == [], name
    assert here.one("pyyaml").module == "yaml"
    assert codes(here.one("yaml")) == ["name-mismatch"]
    assert here.one("yaml").status == "ok"


def test_a_change_is_seen_by_the_next_check(here):
    assert here.one("pandas").status == "error"
    here.put("pandas", "1.0")
    assert here.one("pandas").installed == "1.0"
    here.take("pandas")
    here.put("pandas", "2.0")
    assert here.one("pandas").installed == "2.0"
    here.take("pandas")
    assert here.one("pandas").status == "error"


def test_debris_in_the_site_directory_breaks_nothing(here):
    here.put("numpy", "2.1.0")
    (here.site / "~umpy-2.0.dist-info").mkdir()
    (here.site / "nothing.dist-info").write_bytes(b"\xff\x00")
    (here.site / "empty-1.0.dist-info").mkdir()
    (here.site / "odd-1.0.dist-info").mkdir()
    (here.site / "odd-1.0.dist-info/RECORD").write_bytes(b'\xff\xfe,\n,,,,\n"unclosed')
    assert codes(here.one("numpy")) == []
    assert codes(here.one("empty")) == ["metadata-corrupt"]
    assert here.one("odd").status != "error"
    assert codes(here.one("unheard_of")) == ["not-installed"]


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "a" * 500, "\x1b[2J", "pkg; os_name == '<script>'", "$(touch x)", "{name}"]
)
def test_hostile_requirements_are_only_text(here, text):
    report = here.check(text)
    assert report.checks[0].requirement == text
    assert text not in report.to_html() or not set(text) & set("<>'\x1b")
    assert "\x1b" not in report.to_text()
    for finding in report.findings:
        assert all(not set(line) & set("{}$") for line in (finding.fix.magic if finding.fix else ()))


def test_nothing_is_imported_started_or_changed(here, shell):
    here.put("loud", modules={"loud/__init__.py": "raise SystemExit('imported')\n"})
    shell.put("other", modules={"other/__init__.py": "raise SystemExit('imported')\n"})
    before = sorted(path for path in here.venv.path.rglob("*"))
    path, modules = list(sys.path), set(sys.modules)
    started = []
    sys.addaudithook(lambda event, args: started.append(args) if event in {"subprocess.Popen", "os.fork"} else None)
    report = here.check("loud", "loud.part", "other", "nothing")
    assert [codes(check)[:1] for check in report.checks] == [
        [],
        ["submodule-missing"],
        ["other-environment"],
        ["not-installed"],
    ]
    assert started == []
    assert sorted(path for path in here.venv.path.rglob("*")) == before
    assert sys.path == path
    known = sys.stdlib_module_names | {"ipy_envmagic", "packaging"}
    assert {name for name in set(sys.modules) - modules if name.partition(".")[0] not in known} == set()


def test_a_bare_name_needs_none_of_the_slow_libraries(here):
    here.put("numpy", "2.1.0")
    code = (
        "import sys; before = set(sys.modules)\n"
        "from ipy_envmagic.checks.check import check\n"
        "from ipy_envmagic.checks.session import Session\n"
        "from ipy_envmagic.environments.environment import Environment\n"
        f"sys.path.append({str(here.site)!r})\n"
        "report = check(['numpy', 'not_there'], Environment.current(), Session.current())\n"
        "assert [one.status for one in report.checks] == ['ok', 'error'], report\n"
        "slow = {'packaging', 'email', 'importlib.metadata', 'subprocess', 'asyncio', 'typing_extensions', 'IPython'}\n"
        "print(sorted(slow & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_installer_is_told_as_far_as_it_is_known(here):
    here.put("silent", installer=None)
    here.put("loudly", installer="poetry 2.0")
    assert here.one("silent").installer is None
    assert here.one("loudly").installer == "poetry 2.0"


def test_the_environment_as_a_whole(here):
    assert codes(here.check()) == ["no-pip"]
    here.put("top", requires=["never-there"])
    (here.site / "~umpy").mkdir()
    (here.site / "dead.pth").write_text("/nowhere/at/all\n")
    here.put("twice", "1.0")
    (here.site / "twice-2.0.dist-info").mkdir()
    report = here.check()
    assert sorted(finding.code for finding in report.findings) == [
        *("dead-pth", "dependency-missing", "duplicate-metadata", "leftover-dist", "no-pip"),
    ]
    assert not report.ok
    assert report.verdict == "1 problem in this environment, and 3 warnings"
    json.dumps(report.to_dict())


def test_a_check_that_stopped_short_says_so(here):
    modules = {f"many/part{number}.py": "" for number in range(200)}
    here.put("many", modules={"many/__init__.py": "", **modules})
    check = here.one("many")
    assert check.partial is None
    assert "partial" not in check.to_dict()
    report = Report(here.check().kernel, (replace(check, partial="64 of its 201 files were looked at"),))
    assert "many: 64 of its 201 files were looked at" in report.to_text()
    assert "many: 64 of its 201 files were looked at" in report.to_html()
    assert report.to_dict()["checks"][0]["partial"]
