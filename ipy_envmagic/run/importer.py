"""Run as a script in a process of its own: import one module, and write down how that ended.

It reads what to do from standard input (JSON: "module", "path", "answer", "seconds") and imports nothing but small
modules of the standard library before `sys.path` is the one it is given.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import types


def _main() -> None:
    asked = json.loads(sys.stdin.read())
    if hasattr(signal, "alarm"):
        signal.alarm(int(asked["seconds"]) + 10)  # should whoever waits for this process be gone
    sys.path[:] = asked["path"]
    answer = {"raised": ""}
    try:
        importlib.import_module(asked["module"])
    except BaseException as error:  # noqa: BLE001 (whatever the module raises is the answer)
        answer = _told(error)
    with open(asked["answer"], "w", encoding="utf-8", errors="backslashreplace") as file:
        json.dump(answer, file)
    sys.stdout.flush()
    os._exit(0)  # threads and exit functions of what was imported do not matter here


def _told(error: BaseException) -> dict[str, str]:
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 (an exception that cannot be written)
        message = ""
    name = getattr(error, "name", None)
    return {
        "raised": type(error).__name__,
        "message": message[:4000],
        "missing": name if isinstance(error, ModuleNotFoundError) and isinstance(name, str) else "",
        "where": _where(error),
    }


def _where(error: BaseException) -> str:
    """Return "file, line n" of the innermost frame that is not the import system's own."""
    place, frame = "", error.__traceback__
    while isinstance(frame, types.TracebackType):
        file = frame.tb_frame.f_code.co_filename
        if not file.startswith("<frozen ") and file not in (__file__, importlib.__file__):
            place = f"{file}, line {frame.tb_lineno}"
        frame = frame.tb_next
    return place


if __name__ == "__main__":
    _main()
