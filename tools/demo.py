"""Run a notebook in a real kernel of this Python and print each cell with what it showed.

    python tools/demo.py examples/quickstart.ipynb

Packages that the notebook installs are removed first, so that each run shows the same. The exit status is 0 only where
every cell succeeded.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
INSTALLED = re.compile(r"^%pip install ([A-Za-z0-9_.-]+)", re.MULTILINE)


def coloured(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if COLOURS else text


def text_of(output: dict[str, Any]) -> str:
    """Return an output as text, as a terminal can show it."""
    if output["output_type"] == "stream":
        text = output["text"]
    elif output["output_type"] == "error":
        text = "\n".join(output["traceback"])
    else:
        text = output["data"].get("text/plain", "")
    return (text if COLOURS else ESCAPE.sub("", text)).rstrip("\n")


def show(cell: dict[str, Any]) -> None:
    """Print a cell: its words, or its code and what that showed."""
    if cell["cell_type"] == "markdown":
        print("\n".join(textwrap.fill(line, 100) for line in cell["source"].splitlines()), end="\n\n")
        return
    prompt = f"In [{cell.get('execution_count') or ' '}]: "
    source = textwrap.indent(cell["source"], " " * len(prompt))[len(prompt) :]
    print(coloured(prompt, "32") + coloured(source, "1"))
    for output in cell.get("outputs", ()):
        print(textwrap.indent(text_of(output), "    "))
    print(flush=True)


def main(path: str) -> int:
    notebook = nbformat.read(path, as_version=4)
    code = "\n".join(cell["source"] for cell in notebook.cells if cell["cell_type"] == "code")
    packages = INSTALLED.findall(code)
    if packages:
        quiet = ["--quiet", "--yes", "--disable-pip-version-check"]
        uninstall = [sys.executable, "-m", "pip", "uninstall", *quiet, *packages]
        subprocess.run(uninstall, check=True, stderr=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as home:
        # A home of its own: nothing that is configured for IPython or Jupyter takes part, and nothing is left there.
        os.environ.update(IPYTHONDIR=f"{home}/ipython", JUPYTER_CONFIG_DIR=f"{home}/config")
        os.environ.update(JUPYTER_DATA_DIR=f"{home}/data")
        os.environ.update(JUPYTER_RUNTIME_DIR=f"{home}/runtime", JUPYTER_PLATFORM_DIRS="1")
        transport = "ipc" if os.name == "posix" else "tcp"
        manager = AsyncKernelManager(kernel_name="python3", transport=transport, connection_file=f"{home}/kernel.json")
        client = NotebookClient(notebook, km=manager, timeout=300, resources={"metadata": {"path": home}})
        shown = 0
        failed = None

        def done(cell_index: int, **_: Any) -> None:
            nonlocal shown
            for earlier in notebook.cells[shown : cell_index + 1]:
                show(earlier)
            shown = cell_index + 1

        client.on_cell_executed = done
        try:
            client.execute()
        except CellExecutionError as problem:
            failed = problem
        for left in notebook.cells[shown:]:
            show(left)
    print(coloured("The notebook failed." if failed else "Every cell ran.", "31" if failed else "32"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["examples/quickstart.ipynb"]))
