import re
from html.parser import HTMLParser

from ipy_envmagic.checks.html import render
from ipy_envmagic.checks.report import Check, Finding, Fix, Kernel, Report

KERNEL = Kernel("/home/me/e/bin/python", "/home/me/e", "/usr", "3.12.1", "venv", "e", "pip", "python3")
SITE = "/home/me/e/lib/python3.12/site-packages"
EVIL = "<script>alert(1)</script>\"'&"
VOID = {"br", "hr", "img", "input"}


class Tree(HTMLParser):
    """Reads strictly: every element must be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attrs]
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data + "\n"


def healthy(name):
    return Check(name, name, name, "1.0", f"{SITE}/{name}", "pip")


def problem(text="numpy is not here."):
    fix = Fix((f"%pip install {text}",), restart=True, steps=f"Install {text}")
    return Check(text, text, text, None, text, text, (Finding("not-installed", "error", text, {text: text}, fix),))


def full():
    checks = (*(healthy(f"package{number}") for number in range(14)), problem(), problem(EVIL))
    return Report(KERNEL, checks, (Finding("shell-mismatch", "warning", "Elsewhere."),), 0.1, "/home/me")


def test_everything_from_outside_is_escaped():
    kernel = Kernel(*[EVIL] * 8)
    text = render(Report(kernel, (problem(EVIL),), (Finding(EVIL, "warning", EVIL, {EVIL: [EVIL]}),), 0.1, EVIL))
    tree = Tree(text)
    assert "script" not in tree.tags
    assert "alert(1)" in tree.words
    assert set(tree.tags) <= {
        *("div", "b", "span", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "details", "summary"),
    }


def test_nothing_that_an_untrusted_notebook_loses_carries_meaning():
    tree = Tree(render(full()))
    assert {name for _, name, _ in tree.attributes} <= {"style", "scope"}
    for _, name, value in tree.attributes:
        if name == "style" and "var(" in value:
            declarations = value.split(";")
            for index, declaration in enumerate(declarations):
                if "var(" in declaration:
                    prop, _, plain = declarations[index - 1].partition(":")
                    assert declaration == re.sub(r"(?<=,).*", f"{plain})", declaration)
                    assert declaration.startswith(f"{prop}:var(--jp-")


def test_status_is_a_symbol_and_a_word():
    words = Tree(render(full())).words
    for status in ("✗ error not-installed", "✓ ok", "! warning shell-mismatch"):
        assert status in words


def test_tables_have_headers():
    tree = Tree(render(Report(KERNEL, (healthy("numpy"),))))
    scopes = [(tag, value) for tag, name, value in tree.attributes if name == "scope"]
    assert scopes == [("th", "col")] * 4 + [("th", "row")]


def test_a_healthy_report_is_small_and_sixty_fold_away():
    assert len(render(Report(KERNEL, (healthy("numpy"),), (), 0.1, "/home/me")).encode()) < 2048
    text = render(Report(KERNEL, tuple(healthy(f"package{number}") for number in range(60)), (), 0.1, "/home/me"))
    assert len(text.encode()) < 20_000
    before, _, folded = text.partition("<details>")
    assert "60 usable here" in folded
    assert "package1" not in before


def test_problems_stay_unfolded_and_their_line_can_be_copied():
    text = render(full())
    assert "%pip install numpy is not here.</code></pre>" in text
    outside = re.sub(r"<details>.*?</details>", "", text)
    assert "numpy is not here." in outside
    assert "What was seen" in text


def test_home_is_a_tilde_but_not_in_a_line_to_copy():
    fix = Fix(("%pip install 'a @ file:///home/me/a.whl'",))
    finding = Finding("not-installed", "error", "Not in /home/me/e.", {"prefix": "/home/me/e"}, fix)
    text = render(Report(KERNEL, (Check("a", findings=(finding,)),), (), 0.1, "/home/me"))
    assert "Not in ~/e." in text
    assert "file:///home/me/a.whl" in text
    assert text.count("/home/me") == 1


def test_what_is_saved_in_a_notebook_stays_small():
    one = render(Report(KERNEL, (healthy("package"),), (), 0.1, "/home/me"))
    sixty = render(Report(KERNEL, tuple(healthy(f"package{number}") for number in range(60)), (), 0.1, "/home/me"))
    assert len(one.encode()) < 4096
    assert len(sixty.encode()) < 30_000
