import re

from ipy_envmagic.checks.report import Check, Finding, Fix, Kernel, Report
from ipy_envmagic.checks.text import for_stream, render

KERNEL = Kernel("/home/me/e/bin/python", "/home/me/e", "/usr", "3.12.1", "venv", "e", "pip", "python3")
SITE = "/home/me/e/lib/python3.12/site-packages"
LONG = "/home/me/" + "/".join(["a-folder-with-a-long-name"] * 8)
OTHER = Finding(
    "other-environment",
    "error",
    f"pandas 2.2.0 is installed for the python of your shell, {LONG}/bin/python, not for this kernel.",
    {"executable": f"{LONG}/bin/python", "prefix": LONG, "version": "2.2.0", "location": None},
    Fix(("%pip install 'pandas>=2'",), restart=True, steps="Install it with the line above. Restart the kernel."),
)


def healthy(name, version="1.0"):
    return Check(name, name, name, version, f"{SITE}/{name}", "pip")


def test_the_whole_report():
    report = Report(
        KERNEL, (healthy("numpy", "2.1.0"), Check("pandas>=2", "pandas", findings=(OTHER,))), (), 0.1, "/home/me"
    )
    lines = render(report).splitlines()
    assert lines[0] == "✗ error: 1 of 2 cannot be used here: pandas>=2"
    assert lines[1] == "  Python 3.12.1 · venv e · ~/e · kernel python3"
    assert lines[3] == "✓ ok       numpy      2.1.0     ~/e/lib/python3.12/site-packages/numpy (pip)"
    assert lines[4] == "✗ error    pandas>=2  not here"
    assert lines[6].startswith("✗ other-environment: pandas 2.2.0 is installed for the python of your shell,")
    assert "    fix: %pip install 'pandas>=2'" in lines
    assert "         Install it with the line above. Restart the kernel." in lines
    assert not any("location" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_it_keeps_to_the_columns_whatever_is_in_it():
    names = [f"a-distribution-with-a-very-long-name-number-{number}" for number in range(30)]
    broken = Check("x" * 200, "x", findings=(OTHER,), location=LONG, installed="1" * 90)
    for checks in ((*map(healthy, names), broken), (broken,)):
        text = render(Report(KERNEL, checks, (), 0.1, "/home/other"))
        assert max(map(len, text.splitlines())) <= 80


def test_a_line_to_copy_is_never_broken_or_shortened():
    line = "%pip install 'pkg @ https://host/" + "x" * 200 + "/home/me/pkg.whl'"
    finding = Finding("not-installed", "error", "m", {}, Fix((line, "%pip install b")))
    text = render(Report(KERNEL, (Check("pkg", findings=(finding,)),), (), 0.1, "/home/me"))
    assert f"\n    fix: {line}\n         %pip install b" in text


def test_sixty_healthy_ones_stay_short():
    report = Report(KERNEL, tuple(healthy(f"package{number}") for number in range(60)), (), 0.1, "/home/me")
    text = render(report)
    assert text.splitlines()[0] == "✓ ok: all 60 are usable here"
    assert "package59 (1.0)" in text
    assert len(text.splitlines()) < 22


def test_colours_only_where_asked_and_never_alone():
    report = Report(KERNEL, (healthy("numpy"), Check("pandas", findings=(OTHER,))), (), 0.1, "/home/me")
    plain, coloured = render(report), render(report, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[31m✗ error" in coloured
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_ascii_only():
    report = Report(KERNEL, (healthy("numpy"), Check("p", findings=(OTHER,), location=LONG)), (), 0.1, "/home/me")
    assert render(report, symbols=False).isascii()


def test_what_comes_from_outside_moves_no_cursor():
    check = Check("x\x1b]0;title\x07", "x", "x", "1.0\x1b[2J", "/a/\u202eb\nc", "pip\r")
    text = render(Report(KERNEL, (check,)))
    assert not set(text) & {"\x1b", "\x07", "\r", "\u202e"}
    assert "\\x1b" in text
    assert len(text.splitlines()) == 4


def test_the_home_directory_is_a_tilde_only_as_a_whole():
    checks = (
        Check("a", "a", "a", "1", "/home/me"),
        Check("b", "b", "b", "1", "/home/me2/b"),
        Check("c", "c", "c", "1", "/x/home/me/c"),
        Check("d", "d", "d", "1", "/home/me/d"),
    )
    text = render(Report(KERNEL, checks, (), 0.1, "/home/me"))
    assert [line.split()[-1] for line in text.splitlines()[3:]] == ["~", "/home/me2/b", "/x/home/me/c", "~/d"]
    assert "/home/me/d" in render(Report(KERNEL, checks, (), 0.1, "/"))


def test_words_for_what_has_no_version():
    checks = (
        Check("json", "json", location="/l/json", installer="standard library"),
        Check("copied", "copied", location="/l/copied"),
        Check("cv2", "cv2", "opencv-python", "4.8", "/l/cv2", "pip"),
        Check("numpy.linalg", "numpy.linalg", "numpy", "2.1", "/l/numpy", "pip"),
        Check("PyYAML", "yaml", "PyYAML", "6.0", "/l/yaml", "pip"),
        Check("w; x", findings=(Finding("not-needed", "info", "w is not needed here."),)),
        Check("=", findings=(Finding("bad-requirement", "error", "= is no requirement."),)),
    )
    lines = render(Report(KERNEL, checks)).splitlines()[3:10]
    here = ["standard library", "version unknown", "opencv-python 4.8", "2.1", "6.0", "not needed here", "not read"]
    for line, words in zip(lines, here, strict=True):
        assert f"  {words}" in line


def test_the_same_problem_is_told_once():
    checks = (Check("pandas", findings=(OTHER,)), Check("Pandas", findings=(OTHER,)))
    assert render(Report(KERNEL, checks)).count("other-environment") == 1


def test_what_a_stream_can_show(monkeypatch):
    class Stream:
        def __init__(self, encoding, *, terminal):
            self.encoding, self.terminal = encoding, terminal

        def isatty(self):
            return self.terminal

    monkeypatch.setenv("TERM", "xterm")
    assert for_stream(Stream("utf-8", terminal=True)) == {"colour": True, "symbols": True}
    assert for_stream(Stream("cp1252", terminal=False)) == {"colour": False, "symbols": False}
    assert for_stream(Stream("no such encoding", terminal=False)) == {"colour": False, "symbols": False}
    assert for_stream(object()) == {"colour": False, "symbols": True}
    monkeypatch.setenv("TERM", "dumb")
    assert for_stream(Stream("utf-8", terminal=True))["colour"] is False
