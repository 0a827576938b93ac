"""A real JupyterLab in headless Chromium; collected only where playwright and a chromium are."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from isolation import isolated

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
NEEDED = ("playwright", "jupyterlab")
collect_ignore_glob = [] if CHROMIUM and all(map(importlib.util.find_spec, NEEDED)) else ["test_*.py"]
SHOTS = Path(os.environ.get("IPY_ENVMAGIC_TEST_SHOTS") or Path(__file__).resolve().parents[2] / ".lanes/shots")
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run", "--no-default-browser-check", "--no-pings", "--password-store=basic"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# What the application itself promises; text in the page may be there before anything works.
READY = """async () => {
  const sleep = ms => new Promise(done => setTimeout(done, ms));
  const end = Date.now() + 60000;
  const until = async (what, holds) => {
    while (!holds()) { if (Date.now() > end) throw new Error('timeout: ' + what); await sleep(50); }
  };
  await until('application', () => window.jupyterapp);
  await window.jupyterapp.restored;
  const shell = window.jupyterapp.shell;
  await until('notebook', () => shell.currentWidget?.context && shell.currentWidget?.content?.model);
  const panel = shell.currentWidget;
  await panel.context.ready; await panel.revealed; await panel.sessionContext.ready;
  await until('kernel', () => panel.sessionContext.session?.kernel?.status === 'idle'
                           && panel.sessionContext.session.kernel.connectionStatus === 'connected');
}"""
RUN = """async source => {
  const panel = window.jupyterapp.shell.currentWidget, model = panel.content.model.sharedModel;
  if (source !== null) {
    model.insertCell(model.cells.length, {cell_type: 'code', source: source});
    panel.content.activeCellIndex = model.cells.length - 1;
  }
  panel.content.deselectAll();
  await window.jupyterapp.commands.execute('notebook:run-cell');
  const sleep = ms => new Promise(done => setTimeout(done, ms));
  const end = Date.now() + 60000;
  while (panel.sessionContext.session?.kernel?.status !== 'idle') {
    if (Date.now() > end) throw new Error('timeout: the cell'); await sleep(30);
  }
  await sleep(100);
  const cell = panel.content.widgets[panel.content.activeCellIndex];
  cell.node.scrollIntoView();
  const text = cell.node.querySelector('.jp-OutputArea')?.innerText ?? '';
  return {text: text, outputs: cell.model.sharedModel.toJSON().outputs};
}"""


class Lab:
    """A running JupyterLab, and the pages in it."""

    def __init__(self, address, token, work, browser):
        self.address, self.token, self.work, self.browser = address, token, work, browser

    def notebook(self, name, *, kernel="tested", dark=False, cells=()):
        """Open a notebook, which is written first where it is not there."""
        path = self.work / name
        if not path.exists():
            spec = {"name": kernel, "display_name": kernel, "language": "python"}
            made = [
                {"cell_type": "code", "source": one, "metadata": {}, "outputs": [], "execution_count": None}
                for one in cells
            ]
            path.write_text(
                json.dumps({"cells": made, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 4})
            )
        context = self.browser.new_context(viewport={"width": 1100, "height": 900})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.address}/doc/tree/{name}?token={self.token}&reset", wait_until="domcontentloaded")
        page.wait_for_selector(".jp-Notebook")
        page.evaluate(READY)
        if dark:
            page.evaluate(
                "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
            )
            page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
        return Notebook(page)


class Notebook:
    """An open notebook."""

    def __init__(self, page):
        self.page = page

    def run(self, source):
        """Run a new last cell; return the text of its output as it is shown, and its outputs as they are saved."""
        answer = self.page.evaluate(RUN, source)
        return answer["text"], answer["outputs"]

    def shot(self, name):
        """Keep what is seen."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(SHOTS / f"{name}.png"))

    def save(self):
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def close(self):
        self.page.context.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def lab(tmp_path_factory, shared_folder, offline):
    """One Lab and one browser for the session; the kernel "tested" runs in an environment of its own."""
    from playwright.sync_api import sync_playwright
    from venvs import make_venv

    root = tmp_path_factory.mktemp("lab")
    home, work = root / "home", root / "work"
    work.mkdir()
    environ = {**isolated(home), **offline}
    venv = make_venv(root / "analysis", shared_folder, kernel=True)
    words = [sys.executable, "-m", "ipy_envmagic", "kernel", "add", str(venv.path), "--name", "tested"]
    subprocess.run(words, check=True, env=environ, cwd=root, capture_output=True)
    settings = home / ".jupyter/lab/user-settings/@jupyterlab"
    for name, values in (
        ("apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False}),
        ("notebook-extension/tracker", {"windowingMode": "none"}),
    ):
        (settings / name).parent.mkdir(parents=True, exist_ok=True)
        (settings / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    port, token = free_port(), secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={work}"]
    command += ["--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True"]
    log = root / "lab.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env={**environ, "JUPYTER_TOKEN": token}, stdout=out, stderr=out, cwd=work, start_new_session=True
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait(address, token, process, log)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
                yield Lab(address, token, work, browser)
                browser.close()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(address, token, process, log):
    end = time.monotonic() + 90
    request = urllib.request.Request(f"{address}/api/status", headers={"Authorization": f"token {token}"})
    while True:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        with contextlib.suppress(OSError):
            urllib.request.urlopen(request, timeout=5).read()
            return
        assert time.monotonic() < end, log.read_text(errors="replace")[-3000:]
        time.sleep(0.2)
