"""The sandbox's process: how it is found, and how it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

from history_gateway_sandbox import Sandbox
from history_gateway_sandbox.sandbox import find_program


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_ended(pid: int) -> None:
    deadline = time.monotonic() + 10
    while is_running(pid):
        assert time.monotonic() < deadline, "the sandbox did not end"
        time.sleep(0.02)


def test_a_sandbox_ends_with_its_block(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Sandbox.start() as sandbox:
        assert is_running(sandbox.pid)
    assert not is_running(sandbox.pid)
    assert list(tmp_path.iterdir()) == []


def test_a_sandbox_ends_with_a_killed_test_run(tmp_path):
    program = "import sys, time; from history_gateway_sandbox import Sandbox; print(Sandbox.start().pid, flush=True); time.sleep(60)"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    runner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
    assert runner.stdout is not None
    pid = int(runner.stdout.readline())
    assert is_running(pid)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    runner.stdout.close()
    wait_until_ended(pid)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_program_is_an_error_that_names_the_way_out(monkeypatch):
    monkeypatch.delenv("HISTORY_GATEWAY_BIN", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="set HISTORY_GATEWAY_BIN to its path"):
        find_program()
    assert find_program("/some/program") == "/some/program"


def test_a_sandbox_that_does_not_start_says_why():
    with pytest.raises(RuntimeError, match="the sandbox did not start: .*unexpected argument"):
        Sandbox.start(options=["--nonsense"])
