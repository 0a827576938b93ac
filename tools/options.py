"""Write ipy_envmagic/environments/data/options.tsv: what pip, uv and conda take, from their own help.

    python tools/options.py [CONDA]

pip and uv are those of the environment that runs this; CONDA is a conda to ask, without which its rows stay.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "ipy_envmagic" / "environments" / "data" / "options.tsv"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
HEAD = (
    "# What pip, uv and conda take, by tools/options.py from their own help: sub-command, then its options.\n"
    "# Columns, divided by a tab: program; sub-command; options, divided by blanks.\n"
)


def help_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout


def listed(text: str, title: str) -> list[str]:
    """Return the first words of the lines below a title, as help texts list sub-commands."""
    _, _, below = text.partition(title)
    return re.findall(r"^ {2,4}([a-z][a-z-]*)(?= {2,}|$)", below.partition("\n\n")[0], re.MULTILINE)


def rows(program: str, base: list[str], names: list[str]) -> list[str]:
    found = []
    for name in names:
        options = sorted(set(OPTION.findall(help_of(*base, *name.split(), "--help"))))
        found.append(f"{program}\t{name}\t{' '.join(options)}")
    return found


def main() -> None:
    pip = [sys.executable, "-m", "pip"]
    uv = [str(Path(sys.executable).with_name("uv"))]
    table = rows("pip", pip, listed(help_of(*pip, "--help"), "Commands:"))
    uv_names = listed(help_of(*uv, "--help"), "Commands:")
    inside = [f"pip {name}" for name in listed(help_of(*uv, "pip", "--help"), "Commands:")]
    table += rows("uv", uv, [*uv_names, *inside])
    if len(sys.argv) > 1:
        conda = [sys.argv[1]]
        names = ["clean", "compare", "config", "create", "env", "export", "info", "install", "list", "remove", "rename"]
        names += [
            "repoquery",
            "run",
            "search",
            "update",
            "env create",
            "env export",
            "env list",
            "env remove",
            "env update",
        ]
        table += rows("conda", conda, names)
    elif TABLE.exists():
        table += [line for line in TABLE.read_text().splitlines() if line.startswith("conda\t")]
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(HEAD + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
