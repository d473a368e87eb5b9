"""The sandbox's process: finds the program, starts it, and ends it with the test run; knows no request."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
from types import TracebackType
from typing import Any, Dict, IO, List, Mapping, Optional, Sequence, Type, Union

from .control import Control
from .tenant import Tenant, _date, _given

START_SECONDS = 20
STOP_SECONDS = 5


def find_program(program: Optional[str] = None) -> str:
    """The program: the argument, the variable HISTORY_GATEWAY_BIN, or history-gateway on the PATH."""
    found = program or os.environ.get("HISTORY_GATEWAY_BIN") or shutil.which("history-gateway")
    if found is None:
        raise FileNotFoundError(
            "history-gateway was not found; install it on the PATH, or set HISTORY_GATEWAY_BIN to its path"
        )
    return found


class Sandbox:
    """A running sandbox. It ends with `close`, at the end of a `with` block, and when this process ends, however it ends."""

    def __init__(self, program: Optional[str] = None, options: Sequence[str] = ()) -> None:
        command = [find_program(program), "sandbox", "--port", "0", "--json", "--stop-with-stdin", *options]
        environment = {"HISTORY_GATEWAY__LOG__LEVEL": "warn", **os.environ}
        # A file without a name: the log needs no reader, and nothing is left of it.
        self._log: IO[bytes] = tempfile.TemporaryFile()
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, env=environment
        )
        try:
            ready = self._read_ready()
        except BaseException:
            self.close()
            raise
        self.url: str = ready["url"]
        self.pid: int = ready["pid"]
        self._control = Control(self.url)

    @classmethod
    def start(cls, program: Optional[str] = None, options: Sequence[str] = ()) -> Sandbox:
        """Starts a sandbox on a free port and waits until it answers."""
        return cls(program, options)

    def _read_ready(self) -> Dict[str, Any]:
        lines: List[bytes] = []
        output = self._process.stdout
        assert output is not None
        reader = threading.Thread(target=lambda: lines.append(output.readline()), daemon=True)
        reader.start()
        reader.join(START_SECONDS)
        if not lines or not lines[0]:
            raise RuntimeError(f"the sandbox did not start: {self.log() or 'it printed nothing'}")
        ready: Dict[str, Any] = json.loads(lines[0])
        return ready

    def log(self) -> str:
        """What the sandbox wrote to its log."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def tenant(
        self,
        *,
        fixtures: Union[str, Sequence[Mapping[str, Any]], None] = None,
        logs: Optional[Sequence[Mapping[str, Any]]] = None,
        now: Any = None,
        strict: Optional[bool] = None,
    ) -> Tenant:
        """Creates a tenant. `fixtures` are "demo", "empty" or messages, `logs` WhatsApp log rows; `now` stops its clock."""
        body = _given(fixtures=fixtures, logs=logs, now=None if now is None else _date(now), strict=strict)
        return Tenant(self._control, self._control.send("POST", "/tenants", body))

    def unmatched(self) -> List[Dict[str, Any]]:
        """The requests whose key belongs to no tenant."""
        return list(self._control.send("GET", "/unmatched")["requests"])

    def close(self) -> None:
        """Ends the sandbox and waits until it has ended."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        self._log.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()
