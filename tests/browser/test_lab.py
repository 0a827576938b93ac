"""What a person sees in JupyterLab."""

import http.server
import json
import re
import subprocess
import sys
import threading
import time

import pytest
from wheels import make_wheel

LOAD = "%load_ext ipy_envmagic"
TICKS = "%pip --version && printf '\\r10%%' && sleep 0.1 && printf '\\r50%%' && sleep 0.1 && printf '\\r100%%\\n'"


@pytest.fixture
def open_notebook(lab):
    """A function that opens a notebook with the extension loaded."""
    opened = []

    def open_notebook(name, **keywords):
        notebook = lab.notebook(f"{name}.ipynb", **keywords)
        opened.append(notebook)
        return notebook

    yield open_notebook
    for notebook in opened:
        notebook.close()


def test_from_a_missing_package_to_its_import(open_notebook):
    notebook = open_notebook("missing")
    notebook.run(LOAD)
    text, outputs = notebook.run("%envcheck envmagic-demo-a")
    assert "envmagic-demo-a is not installed in this kernel's environment" in text
    notebook.shot("1-missing")
    line = notebook.page.locator(".jp-OutputArea pre code").last.inner_text()
    assert line == "%pip install envmagic-demo-a"
    text, _ = notebook.run(line)
    assert "Added: envmagic-demo-a 2.0" in text
    notebook.shot("2-installed")
    text, _ = notebook.run("import envmagic_demo_a\nenvmagic_demo_a.__version__")
    assert "'2.0'" in text
    text, outputs = notebook.run("%envcheck envmagic-demo-a")
    assert "is usable here" in text
    assert len(json.dumps(outputs)) < 4096
    text, _ = notebook.run("%pip uninstall envmagic-demo-a")
    assert "Removed: envmagic-demo-a 2.0" in text


def test_progress_is_one_line(open_notebook):
    notebook = open_notebook("progress")
    notebook.run(LOAD)
    text, outputs = notebook.run(TICKS)
    shown = text.partition("site-packages")[2].splitlines()  # below the line that tells the command
    assert [line for line in shown if "%" in line] == ["100%"]
    saved = "".join("".join(output.get("text", "")) for output in outputs)
    assert "50%" not in saved.partition("site-packages")[2]
    notebook.shot("3-progress")


@pytest.fixture
def slow_index(tmp_path):
    """The address of an index on this machine that hands a wheel of 4 MB out slowly; pip reads 256 kB at a time."""
    wheel = make_wheel(tmp_path, "envmagic-demo-slow", "1.0", bloat=4_000_000)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = wheel.read_bytes()
            is_wheel = self.path.endswith(".whl")
            body = data if is_wheel else f'<a href="/{wheel.name}">{wheel.name}</a>'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream" if is_wheel else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            step = max(1, len(body) // 15)
            for at in range(0, len(body), step):
                self.wfile.write(body[at : at + step])
                time.sleep(0.1 if is_wheel else 0)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_the_bar_of_a_download_is_one_line_that_is_renewed(open_notebook, slow_index):
    notebook = open_notebook("download")
    notebook.run(LOAD)
    page = notebook.page
    page.evaluate(
        """() => { window.seen = []; window.watch = setInterval(() => {
          const areas = document.querySelectorAll('.jp-OutputArea');
          window.seen.push(areas.length ? areas[areas.length - 1].innerText : ''); }, 40); }"""
    )
    line = f"%pip install --no-cache-dir --index-url {slow_index} --no-deps envmagic-demo-slow"
    text, outputs = notebook.run(line.replace("--no-deps", "--no-deps --isolated"))
    seen = page.evaluate("() => { clearInterval(window.watch); return window.seen; }")
    bars = [[row for row in shown.splitlines() if "B/s" in row] for shown in seen]
    notebook.shot("3-download")
    assert "Added: envmagic-demo-slow 1.0" in text
    assert max(map(len, bars)) == 1, bars
    assert len({rows[0] for rows in bars if rows}) >= 5, "the bar was not renewed"
    kept = "".join("".join(output.get("text", "")) for output in outputs)
    assert len([row for row in kept.splitlines() if "kB/s" in row or "MB/s" in row]) == 1
    notebook.run("%pip uninstall envmagic-demo-slow")


def test_the_restart_note_and_its_button(open_notebook):
    notebook = open_notebook("restart")
    notebook.run(LOAD)
    notebook.run("%pip install envmagic-demo-package==1.0")
    notebook.run("import envmagic_demo_package")
    text, _ = notebook.run("%pip install envmagic-demo-package==2.0")
    assert "Restart needed." in text
    notebook.shot("4-restart-note")
    notebook.page.locator(".jp-OutputArea button").click()
    dialog = notebook.page.locator(".jp-Dialog")
    dialog.wait_for()
    assert "Restart Kernel?" in dialog.inner_text()
    notebook.shot("5-restart-dialog")
    dialog.get_by_role("button", name="Cancel").click()


def test_the_history_and_the_way_back(open_notebook):
    notebook = open_notebook("history")
    notebook.run(LOAD)
    notebook.run("%pip install -q envmagic-demo-a==1.0")
    notebook.run("%pip install -q --upgrade envmagic-demo-a envmagic-demo-b")
    text, outputs = notebook.run("%envcheck --history 2")
    assert "envmagic-demo-a 1.0 \N{RIGHTWARDS ARROW} 2.0" in text
    assert "history.ipynb" in text  # which notebook did it
    assert len(json.dumps(outputs)) < 8192
    notebook.shot("6-history")
    text, _ = notebook.run("%envcheck --undo")
    assert "Updated: envmagic-demo-a 2.0 \N{RIGHTWARDS ARROW} 1.0" in text
    notebook.shot("7-undo")
    notebook.run("%pip uninstall envmagic-demo-a")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_report_can_be_read_in_both_themes(open_notebook, dark):
    notebook = open_notebook(f"theme-{dark}", dark=dark)
    notebook.run(LOAD)
    notebook.run("%envcheck envmagic-demo-a 'traitlets>=99' json\n%envcheck --kernels")
    notebook.shot(f"6-report-{'dark' if dark else 'light'}")
    colours = notebook.page.evaluate(
        """() => {
             const ground = one => getComputedStyle(one).backgroundColor;
             const found = document.querySelectorAll('.jp-OutputArea-output b, .jp-OutputArea-output code');
             return [...found].map(element => {
               let under = element;
               while (under && ground(under) === 'rgba(0, 0, 0, 0)') under = under.parentElement;
               return [getComputedStyle(element).color, under ? ground(under) : 'rgb(255, 255, 255)'];
             });
           }"""
    )
    assert len(colours) > 3
    for text, ground in colours:
        one, other = (luminance(colour, dark=dark) for colour in (text, ground))
        assert (max(one, other) + 0.05) / (min(one, other) + 0.05) > 3, (text, ground)


def luminance(colour, *, dark):
    """Return the relative luminance of a colour (WCAG 2); what shines through lies on the theme's own ground."""
    *channels, alpha = [float(number) for number in re.findall(r"[\d.]+", colour)] + (
        [1.0] if "rgba" not in colour else []
    )
    ground = 17.0 if dark else 255.0
    linear = []
    for channel in channels[:3]:
        value = (channel * alpha + ground * (1 - alpha)) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_an_untrusted_notebook_stays_readable(open_notebook, lab):
    notebook = open_notebook("first")
    notebook.run(LOAD)
    notebook.run("%envcheck envmagic-demo-a json")
    notebook.save()
    notebook.page.wait_for_timeout(500)
    saved = json.loads((lab.work / "first.ipynb").read_text())
    for cell in saved["cells"]:
        cell.get("metadata", {}).pop("trusted", None)
        cell["source"] = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cell["source"] += "\n# sent by somebody else"
    (lab.work / "second.ipynb").write_text(json.dumps(saved))
    again = open_notebook("second")
    text = again.page.locator(".jp-OutputArea").last.inner_text()
    assert "error not-installed" in text
    assert "%pip install envmagic-demo-a" in text
    assert again.page.locator(".jp-OutputArea details").count() >= 1
    again.shot("7-untrusted")


def test_hostile_names_are_inert(open_notebook):
    notebook = open_notebook("hostile")
    notebook.run(LOAD)
    for name in ("<img src=x onerror='window.hit=1'>", "<script>window.hit=1</script>", "x<svg onload=window.hit=1>"):
        text, _ = notebook.run(f"%envcheck {json.dumps(name)}")
        assert name[:4] in text
    assert notebook.page.evaluate("() => window.hit ?? null") is None
    assert notebook.page.locator(".jp-OutputArea-output img").count() == 0


def test_a_converted_notebook_has_no_fifty_blocks(lab, tmp_path):
    """Run by nbclient, as nbconvert does it: what is saved are whole lines, joined."""
    source = lab.work / "batch.ipynb"
    cells = [
        {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None}
        for one in (LOAD, "%pip install envmagic-demo-b", "%envcheck envmagic-demo-b", "%pip uninstall envmagic-demo-b")
    ]
    spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    source.write_text(
        json.dumps({"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 4})
    )
    words = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--allow-errors", str(source)]
    done = subprocess.run([*words, "--output-dir", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "batch.html").read_text()
    assert html.count('class="jp-RenderedText') < 12
