#!/usr/bin/env python3
"""Measures the console's pages, and what the audit log costs the API.

Makes a store of made-up messages, starts the gateway on it, and prints
- for each page, the time to its first byte (median and largest of interleaved rounds) and its bytes, uncompressed;
- for the history endpoint, the time of requests with `audit.api` = `summary` and `every`, relative to `off`, in
  interleaved rounds; the same of the gateway's CPU time, which varies less. The load comes from wrk (Debian: apt-get
  install wrk).

    cargo build --release --no-default-features
    benches/console/run.py --messages 5000000 target/release/history-gateway

With --store FILE, the store is kept, and used again by the next run.
"""

import argparse
import html
import http.client
import json
import re
import statistics
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

TENANT = "3193"
KEY = "0c6f7a52-52f1-4b0c-9d6e-1f8c2a4b7e10"
PASSWORD = "a password of a benchmark"
ROUNDS = 20


class Gateway:
    """A running gateway; ends with the block."""

    def __init__(self, binary, store, **settings):
        self.process = subprocess.Popen(
            [binary, "serve", "--bind", "127.0.0.1:0", "--database", f"sqlite://{store}"],
            env={f"HISTORY_GATEWAY__{name}": value for name, value in {"LOG__LEVEL": "info", **settings}.items()},
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stderr:
            found = re.search(r"address=\"?127\.0\.0\.1:(\d+)|http://127\.0\.0\.1:(\d+)", line)
            if found:
                self.port = int(found.group(1) or found.group(2))
                break
        else:
            raise SystemExit("the gateway did not start")
        # Nobody reads the log; a full pipe must not hold the gateway up.
        self.drain = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)

    def cpu_ticks(self):
        """User and system time since the start; Linux only."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(after_name[11]) + int(after_name[12])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.drain.wait()


class Browser:
    """A user of the console, on one connection."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.origin = f"http://127.0.0.1:{port}"
        self.cookies = {}

    def request(self, method, path, form=None):
        """The response, its body, and the seconds until its first byte."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers |= {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded"}
        start = time.perf_counter()
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        seconds = time.perf_counter() - start
        text = response.read()
        for cookie in response.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return response, text.decode(), seconds

    def token(self, path):
        _, page, _ = self.request("GET", path)
        return re.search(r'name="token" value="([^"]+)"', page).group(1)

    def sign_in(self, login):
        form = {"token": self.token("/console/login"), "login": login, "password": PASSWORD}
        response, _, _ = self.request("POST", "/console/login", form)
        assert response.status == 303, response.status

    def find(self, text):
        """The address to which the box leads."""
        form = {"token": self.token("/console/"), "q": text}
        response, _, _ = self.request("POST", "/console/find", form)
        return response.headers["location"]

    def audit_of(self, address):
        """The address of the audit log of a person."""
        form = {"token": self.token("/console/audit"), "person": address, "login": "", "from": "", "to": ""}
        response, _, _ = self.request("POST", "/console/audit", form)
        return response.headers["location"]


def command(binary, store, *arguments, **options):
    database = ["--database", f"sqlite://{store}"]
    return subprocess.run([binary, *arguments, *database], check=True, text=True, capture_output=True, **options).stdout


def fill(binary, store, messages):
    command(binary, store, "migrate")
    command(binary, store, "tenant", "create", "--id", TENANT, "--name", "Shop")
    command(binary, store, "key", "issue", "--tenant", TENANT, "--value", KEY)
    user = ["--tenant", TENANT, "--login", "admin", "--role", "admin", "--password-stdin"]
    command(binary, store, "user", "create", *user, input=PASSWORD + "\n")
    command(binary, store, "generate", "--tenant", TENANT, "--messages", str(messages))
    command(binary, store, "search", "rebuild")


def phones(binary, store):
    """The phone numbers of the newest messages, which have many: so many that the audit log names others all the time."""
    with Gateway(binary, store) as gateway:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
        headers = {"x-api-key": KEY, "Content-Type": "application/json"}
        connection.request("POST", "/api/messages/history", '{"limit": 1000, "channelTypes": ["SMS"]}', headers)
        return sorted({message["address"] for message in json.load(connection.getresponse())["content"]})


def measure_pages(binary, store):
    address = phones(binary, store)[0]
    with Gateway(binary, store) as gateway:
        browser = Browser(gateway.port)
        browser.sign_in("admin")
        _, page, _ = browser.request("GET", "/console/messages?channelType=WHATSAPP&direction=OUT")
        message = re.search(r"/console/people/(\d+)\?", page).group(1)
        _, page, _ = browser.request("GET", f"/console/people/{message}")
        evidence = html.unescape(re.search(r'href="(/console/evidence/people/[^"]+)"', page).group(1))
        pages = {
            "start": "/console/",
            "counts of two days": "/console/counts",
            "found: words": browser.find("заказ доставка"),
            "nothing found": browser.find("helicopter"),
            "conversation": f"/console/people/{message}",
            "message": f"/console/messages/{message}",
            "list": "/console/messages",
            "list of failures": "/console/messages?deliveryStatus=UNDELIVERED&channelType=WHATSAPP",
            "evidence of a message": f"/console/evidence/messages/{message}",
            "evidence of a conversation": evidence,
            "audit log": "/console/audit",
            "audit log of a person": browser.audit_of(address),
            "audit log of a user": "/console/audit?login=admin",
            "users": "/console/users",
        }
        seconds = {name: [] for name in pages}
        sizes = {}
        for _ in range(ROUNDS):
            for name, path in pages.items():
                response, text, first = browser.request("GET", path)
                assert response.status == 200, (name, response.status, response.headers["location"])
                seconds[name].append(first)
                sizes[name] = max(sizes.get(name, 0), len(text.encode()))
    print("| page | first byte, ms: median | largest | kB |\n|---|---|---|---|")
    for name, found in seconds.items():
        median, largest = statistics.median(found) * 1000, max(found) * 1000
        print(f"| {name} | {median:.1f} | {largest:.1f} | {sizes[name] / 1000:.1f} |")


def measure_api(binary, store, rounds, seconds):
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "ask.lua")
        # The query of the other benchmarks: 15 messages of a recipient, a year.
        year = '"dateFrom":"%d-01-01T00:00:00Z"' % (time.gmtime().tm_year)
        addresses = ", ".join(f"'{address}'" for address in phones(binary, store))
        script.write_text(
            "wrk.method = 'POST'\nwrk.headers['x-api-key'] = '%s'\n"
            "wrk.headers['content-type'] = 'application/json'\n"
            "local requests, next = {}, 0\n"
            "function init()\n  for index, address in ipairs({%s}) do\n"
            "    local body = '{\"subscriberFilter\":{\"address\":\"' .. address .. '\"},\"limit\":15,%s}'\n"
            "    requests[index] = wrk.format(nil, nil, nil, body)\n  end\nend\n"
            "function request()\n  next = next %% #requests + 1\n  return requests[next]\nend\n" % (KEY, addresses, year)
        )
        modes = ["off", "summary", "every"]
        for connections in (1, 8):
            ratios, cpu_ratios = {mode: [] for mode in modes[1:]}, {mode: [] for mode in modes[1:]}
            for number in range(rounds):
                rate, cpu = {}, {}
                # None of them always comes first.
                for mode in modes[number % 3 :] + modes[: number % 3]:
                    with Gateway(binary, store, AUDIT__API=mode) as gateway:
                        rate[mode], cpu[mode] = ask(gateway, script, connections, seconds)
                for mode in modes[1:]:
                    ratios[mode].append(rate["off"] / rate[mode])
                    cpu_ratios[mode].append(cpu[mode] / cpu["off"])
            for mode in modes[1:]:
                whole, cpu_time = spread(ratios[mode]), spread(cpu_ratios[mode])
                print(f"audit.api = {mode}, {connections} connections: {whole}; CPU time of the gateway: {cpu_time}")


def spread(ratios):
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def ask(gateway, script, connections, seconds):
    """Requests per second, and the gateway's CPU ticks per request, after a second to warm up."""
    for duration in (1, seconds):
        load = ["wrk", "-t1", f"-c{connections}", f"-d{duration}s", "-s", str(script)]
        address = f"http://127.0.0.1:{gateway.port}/api/messages/history"
        before = gateway.cpu_ticks()
        printed = subprocess.run([*load, address], check=True, text=True, capture_output=True).stdout
        ticks = gateway.cpu_ticks() - before
        assert "Non-2xx" not in printed, printed
    requests = int(re.search(r"(\d+) requests in", printed).group(1))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", printed).group(1)), ticks / requests


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--store", type=Path, help="a file that is kept")
    parser.add_argument("--rounds", type=int, default=5, help="of the API; 0 measures pages only")
    parser.add_argument("--seconds", type=int, default=5, help="of each run of the API")
    options = parser.parse_args()
    binary = str(Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        store = (options.store or Path(folder, "history.db")).resolve()
        if not store.exists():
            fill(binary, store, options.messages)
        measure_pages(binary, store)
        if options.rounds:
            measure_api(binary, store, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
