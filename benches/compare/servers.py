"""Builds, fills and starts what is compared. Every server runs alone, on the first core."""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "compare"
TENANT = "3193"
FIELDS = json.loads((HERE / "express" / "fields.json").read_text())
# Where a benchmark of the gateway keeps its key.
KEY = re.search(r'KEY: &str = "(.+)"', (ROOT / "benches" / "key.rs").read_text())[1]


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def python():
    """The interpreter with the pinned packages."""
    return WORK / "venv" / "bin" / "python"


def prepare():
    """Builds the gateway and the ceiling, and installs the other servers, each in its pinned version."""
    WORK.mkdir(parents=True, exist_ok=True)
    run("cargo", "build", "--release", "--locked", cwd=ROOT)
    built = run(
        "cargo", "bench", "--locked", "--bench", "http", "--no-run", "--message-format=json",
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    artifacts = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    http = next(a["executable"] for a in artifacts if a.get("target", {}).get("name") == "http" and a.get("executable"))
    metadata = run("cargo", "metadata", "--no-deps", "--format-version=1", cwd=ROOT, stdout=subprocess.PIPE, text=True)
    gateway = pathlib.Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "history-gateway"
    if not python().exists():
        run("python3", "-m", "venv", WORK / "venv")
    run(python(), "-m", "pip", "install", "--quiet", "-r", HERE / "fastapi" / "requirements.txt")
    express = WORK / "express"
    shutil.copytree(HERE / "express", express, dirs_exist_ok=True)
    run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=express)
    return {"gateway": str(gateway), "http": http, "express": str(express / "server.js")}


class Store:
    """The same messages as a store of the gateway and, where it is asked for, as a table that the other servers read."""

    def __init__(self, programs, messages):
        self.programs, self.messages = programs, messages
        self.file = WORK / f"gateway-{messages}.db"
        self.plain = WORK / f"plain-{messages}.db"
        facts = WORK / f"facts-{messages}.json"
        if not facts.exists():
            facts.write_text(json.dumps({"seconds": self.generate()}))
        self.seconds = json.loads(facts.read_text())["seconds"]
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as store:
            # Those who write and receive much come first.
            phones = "SELECT address FROM recipients WHERE channel_class = 1 ORDER BY id LIMIT 1 OFFSET 20"
            self.phone = store.execute(phones).fetchone()[0]

    def bytes(self):
        """How many bytes a message takes on disk, indexes and WhatsApp rows included."""
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as store:
            pages = store.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            return pages.fetchone()[0] / self.messages

    def command(self, *arguments, **options):
        environment = {**os.environ, "HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{self.file}"}
        return run(self.programs["gateway"], *arguments, env=environment, **options)

    def generate(self):
        """Records the messages in one go; returns how many seconds that took."""
        for suffix in ("", "-wal", "-shm", "-turn", "-next"):
            pathlib.Path(f"{self.file}{suffix}").unlink(missing_ok=True)
        quiet = {"stdout": subprocess.DEVNULL}
        self.command("tenant", "create", "--id", TENANT, "--name", "Compared", **quiet)
        self.command("key", "issue", "--tenant", TENANT, "--value", KEY, **quiet)
        started = time.monotonic()
        count = ("--messages", str(self.messages), "--seed", "1", "--days", "400", "--until", "2026-03-01T00:00:00Z")
        self.command("generate", "--tenant", TENANT, *count, **quiet)
        return time.monotonic() - started

    def load_plain(self):
        """Loads the exported messages into a table with a column for each field, and the obvious indexes."""
        if self.plain.exists():
            return
        loading = self.plain.with_suffix(".loading")
        loading.unlink(missing_ok=True)
        plain = sqlite3.connect(loading)
        types = ["INTEGER" if field["isNumber"] else "TEXT" for field in FIELDS]
        columns = ", ".join(f"{field['column']} {kind}" for field, kind in zip(FIELDS, types))
        plain.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            f"CREATE TABLE messages ({columns.replace('message_id INTEGER', 'message_id INTEGER PRIMARY KEY', 1)});"
        )
        export = subprocess.Popen(
            [self.programs["gateway"], "export", "--tenant", TENANT, "--database", f"sqlite://{self.file}"],
            stdout=subprocess.PIPE,
        )
        rows = (self.row(json.loads(line)) for line in export.stdout)
        plain.executemany(f"INSERT INTO messages VALUES ({', '.join('?' * len(FIELDS))})", rows)
        plain.commit()
        if export.wait() != 0:
            raise SystemExit("the export failed")
        plain.executescript(
            """
            CREATE INDEX messages_by_address ON messages (tenant_id, address, sent_at);
            CREATE INDEX messages_by_subscriber ON messages (tenant_id, subscriber_id, sent_at);
            CREATE INDEX messages_by_subject ON messages (tenant_id, subject_id, sent_at);
            CREATE INDEX messages_by_time ON messages (tenant_id, sent_at);
            ANALYZE;
            """
        )
        plain.close()
        loading.rename(self.plain)

    @staticmethod
    def row(item):
        from datetime import datetime

        def value(field):
            given = item.get(field["name"])
            if given is not None and field["isTime"]:
                return round(datetime.fromisoformat(given).timestamp() * 1000)
            return given

        return [value(field) for field in FIELDS]


class Server:
    """A running server; use it in a `with`."""

    def __init__(self, store, name, argument=None):
        self.store, self.name = store, name
        environment = dict(os.environ)
        if name == "gateway":
            command = [store.programs["gateway"], "serve", "--bind", "127.0.0.1:0"]
            environment |= {
                "HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{store.file}",
                "HISTORY_GATEWAY__SERVER__WORKERS": "1",
            }
        elif name == "ceiling":
            command = [store.programs["http"], "--role", "ceiling", str(argument)]
        elif name == "express":
            command = ["node", store.programs["express"], str(store.plain)]
            environment["NODE_ENV"] = "production"
        else:
            command = [str(python()), str(HERE / "fastapi" / "server.py"), str(store.plain)]
        self.command, self.environment = ["taskset", "-c", "0", *command], environment

    def __enter__(self):
        # The gateway logs its address, the others print theirs.
        pipe = "stderr" if self.name == "gateway" else "stdout"
        log = open(WORK / "server.log", "wb")
        streams = {"stdout": log, "stderr": log, pipe: subprocess.PIPE}
        self.process = subprocess.Popen(self.command, env=self.environment, **streams)
        for line in getattr(self.process, pipe):
            found = re.search(r"(127\.0\.0\.1:\d+)", line.decode())
            if found:
                self.address = found[1]
                return self
        raise SystemExit(f"{self.name} did not start; see {WORK / 'server.log'}")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, body):
        headers = {"x-api-key": KEY, "content-type": "application/json"}
        request = urllib.request.Request(self.url(), data=body.encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.read()

    def url(self):
        return f"http://{self.address}/api/messages/history"
