#!/usr/bin/env python3
"""Measures the gateway's own read API on SQLite: pages at any depth, searches, a change's way to a waiting reader, and what
the text index costs those who record. Interleaved runs and ratios; loopback only; ends by itself.

    benches/v1/run.py --messages 500000,5000000 --report benches/report

With --baseline, an older binary, recording is compared with that version too.
"""
import argparse
import http.client
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
import uuid

TENANT = "3193"
lines = []


def say(line=""):
    """Prints a line of the report, and keeps it."""
    print(line, flush=True)
    lines.append(line)


class Gateway:
    """A server on a store of its own."""

    def __init__(self, binary, database, environment=None):
        self.log = tempfile.TemporaryFile("w+")
        settings = os.environ | {"HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{database}", "HISTORY_GATEWAY__LOG__LEVEL": "info"}
        command = [os.path.abspath(binary), "serve", "--bind", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=self.log, stdout=subprocess.DEVNULL, env=settings | (environment or {}))
        for _ in range(3000):
            self.log.seek(0)
            found = re.search(r"127\.0\.0\.1:(\d+)", self.log.read())
            if found:
                self.port = int(found.group(1))
                return
            time.sleep(0.01)
        raise SystemExit("the server did not start")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)


def run(binary, database, *arguments):
    environment = os.environ | {"HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{database}"}
    done = subprocess.run([binary, *arguments], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ask(connection, key, body, path="/v1/messages/query"):
    connection.request("POST", path, json.dumps(body), {"x-api-key": key})
    response = connection.getresponse()
    answer = json.loads(response.read())
    assert response.status == 200, answer
    return answer


def timed(connection, key, bodies, rounds):
    """The median milliseconds of each body, interleaved."""
    times = {name: [] for name in bodies}
    for _ in range(rounds):
        for name, body in bodies.items():
            started = time.perf_counter()
            ask(connection, key, body)
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}


def message(number, prefix):
    text = f"Ваш заказ {number} оплачен. Мы напишем, когда передадим его в доставку."
    return {"messageId": prefix + number, "channelType": "SMS", "direction": "OUT", "address": f"7900{number % 20000:07}",
            "content": {"type": "TEXT", "text": text}, "sentOrReceivedAt": "2026-03-01T10:00:00Z", "subjectId": 501,
            "comment": f"order-{prefix + number}", "deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z"}


def record(gateway, key, seconds, prefix, batch=1, connections=4, comment=None):
    """Records for some seconds; returns the messages a second and the median milliseconds of an acknowledgement."""
    changed = (lambda: {"comment": comment()}) if comment else dict
    counts, times, end = [0] * connections, [], time.perf_counter() + seconds

    def work(index):
        connection, number = gateway.connection(), index * 10_000_000
        while time.perf_counter() < end:
            body = json.dumps([message(number + n, prefix) | changed() for n in range(batch)])
            started = time.perf_counter()
            connection.request("POST", "/v1/messages", body, {"x-api-key": key})
            response = connection.getresponse()
            response.read()
            assert response.status == 200
            times.append((time.perf_counter() - started) * 1000)
            number += batch
            counts[index] += batch

    threads = [threading.Thread(target=work, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds, statistics.median(times)


def follow(gateway, key, seconds, rate, connections=10):
    """The milliseconds between acknowledgements and their arrival at a waiting reader."""
    acknowledged, arrived, stop = {}, {}, threading.Event()
    token = ask(gateway.connection(), key, {"since": "now"}, "/v1/changes/query")["next"]

    def read():
        nonlocal token
        connection = gateway.connection()
        while not stop.is_set():
            page = ask(connection, key, {"since": token, "wait": 1, "limit": 1000}, "/v1/changes/query")
            now, token = time.perf_counter(), page["next"]
            for change in page["changes"]:
                arrived.setdefault(change["messageId"], now)

    def write(index):
        connection, number = gateway.connection(), 0
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            due = begun + number * connections / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            body = message(index * 1_000_000 + number, 50_000_000_000)
            connection.request("POST", "/v1/messages", json.dumps(body), {"x-api-key": key})
            connection.getresponse().read()
            acknowledged[body["messageId"]] = time.perf_counter()
            number += 1

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(index,)) for index in range(connections)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    time.sleep(1)
    stop.set()
    reader.join()
    assert set(acknowledged) <= set(arrived), "a change was lost"
    times = sorted(max(0.0, (arrived[number] - at) * 1000) for number, at in acknowledged.items())
    return len(times) / seconds, times[len(times) // 2], times[len(times) * 99 // 100]


def size(database):
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages, used = connection.execute("PRAGMA page_count").fetchone()[0], connection.execute("PRAGMA freelist_count").fetchone()[0]
    return (pages - used) * connection.execute("PRAGMA page_size").fetchone()[0]


def new_store(binary, folder, name):
    database = os.path.join(folder, name)
    run(binary, database, "tenant", "create", "--id", TENANT, "--name", "Shop")
    return database, run(binary, database, "key", "issue", "--tenant", TENANT)


def reads(binary, folder, messages, rounds):
    database, key = new_store(binary, folder, "reads.db")
    run(binary, database, "generate", "--tenant", TENANT, "--messages", str(messages), "--until", "2026-03-01")
    before = size(database)
    started = time.perf_counter()
    run(binary, database, "search", "rebuild")
    took = time.perf_counter() - started
    gateway = Gateway(binary, database)
    connection = gateway.connection()
    deep, cursor = {"limit": 1000}, None
    depth = min(1_000_000, messages * 4 // 5)
    for _ in range(depth // 1000):
        cursor = ask(connection, key, deep | ({"cursor": cursor} if cursor else {}))["next"]
    near = ask(connection, key, {"limit": 10})["next"]
    # A number that an old message has.
    contents = [message["content"] for message in ask(connection, key, deep | {"cursor": cursor})["messages"]]
    code = next(found.group(1) for found in (re.search(r"(?:заказ|order) (\d{6})", text) for text in contents) if found)
    bodies = {"the newest 15": {"limit": 15}, "15 at depth 10": {"limit": 15, "cursor": near},
              f"15 at depth {depth:,}": {"limit": 15, "cursor": cursor}, "`deliveryStatus` UNDELIVERED": {"deliveryStatus": "UNDELIVERED", "limit": 15},
              "a rare word (an order's number)": {"text": code, "limit": 15}, "a word that does not occur": {"text": "гиппопотам", "limit": 15},
              "a frequent word": {"text": "заказ", "limit": 15}, "two frequent words": {"text": "order paid", "limit": 15},
              "a prefix": {"text": "достав*", "limit": 15}, "a phrase that does not occur": {"text": "\"заказ оплачен\"", "limit": 15},
              "two words that do not occur together": {"text": "скидка delivery", "limit": 15}}
    say(f"\n## {messages:,} messages\n")
    say(f"{before / messages:.0f} bytes a message without the text index, {size(database) / messages:.0f} with it; `search rebuild` {messages / took:,.0f} messages a second.\n")
    say("| request, 15 a page | milliseconds, median | relative to the newest 15 | messages | complete |\n|---|---|---|---|---|")
    times = timed(connection, key, bodies, rounds)
    for name, milliseconds in times.items():
        found = ask(connection, key, bodies[name])
        say(f"| {name} | {milliseconds:.2f} | {milliseconds / times['the newest 15']:.2f} | {len(found['messages'])} | {'yes' if found['complete'] else 'no'} |")
    gateway.stop()
    os.remove(database)


def changes(binary, folder):
    database, key = new_store(binary, folder, "changes.db")
    gateway = Gateway(binary, database)
    rate, median, late = follow(gateway, key, 10, 1000)
    say("\n## Changes\n")
    say(f"At {rate:,.0f} writes a second, from the acknowledgement of a write to the answer of a waiting reader: p50 {median:.1f} ms, p99 {late:.1f} ms.")
    gateway.stop()


def recording(binary, folder, baseline, rounds):
    # With the text index off; then on; comments, which are numbered, without their index, and random; an earlier version.
    kinds = {"index off": (binary, "false"), "index on": (binary, "true"), "no index of comments": (binary, "false"),
             "random comments": (binary, "false")}
    kinds |= {"the baseline": (baseline, None)} if baseline else {}
    ratios = {(name, batch): [] for name in kinds for batch in (1, 100)}
    for turn in range(rounds):
        for batch in (1, 100):
            rates = {}
            for name, (program, enabled) in kinds.items():
                database, key = new_store(program, folder, f"record-{turn}-{batch}-{name.replace(' ', '-')}.db")
                if name == "no index of comments":
                    connection = sqlite3.connect(database)
                    connection.execute("DROP INDEX messages_by_comment")
                    connection.close()
                gateway = Gateway(program, database, {"HISTORY_GATEWAY__SEARCH__ENABLED": enabled} if enabled else None)
                comment = (lambda: str(uuid.uuid4())) if name == "random comments" else None
                record(gateway, key, 0.5, 10_000_000_000, batch, comment=comment)
                rates[name] = record(gateway, key, 3, 20_000_000_000, batch, comment=comment)
                gateway.stop()
            for name, (_, milliseconds) in rates.items():
                ratios[name, batch].append(milliseconds / rates["index off"][1])
            print({name: f"by {batch}: {rate:.0f}/s, {median:.2f} ms" for name, (rate, median) in rates.items()}, flush=True)
    say("\n## Recording\n")
    say(f"The time of an acknowledgement, relative to the gateway with the text index off; four clients, {rounds} interleaved rounds.")
    say("Each message has a comment of its own: they are numbered, or random in one row; \"no index of comments\" is the same gateway")
    say("without `messages_by_comment`.\n")
    say("| messages a request | version | time |\n|---|---|---|")
    for (name, batch), values in ratios.items():
        if name != "index off":
            say(f"| {batch} | {name} | {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}) |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/history-gateway")
    parser.add_argument("--baseline", help="an older binary to compare recording with")
    parser.add_argument("--messages", default="500000", help="how many, for each store (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds; the reads take ten times as many (%(default)s)")
    parser.add_argument("--only", choices=["reads", "changes", "recording"])
    parser.add_argument("--report", help="the folder that v1.md goes to")
    arguments = parser.parse_args()
    say("# The gateway's own read API\n\nWritten by `benches/v1/run.py`. SQLite, one tenant, server and clients on the same cores.")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.only in (None, "reads"):
            for messages in arguments.messages.split(","):
                reads(arguments.binary, folder, int(messages), 10 * arguments.rounds)
        if arguments.only in (None, "changes"):
            changes(arguments.binary, folder)
        if arguments.only in (None, "recording"):
            recording(arguments.binary, folder, arguments.baseline, arguments.rounds)
    if arguments.report:
        with open(os.path.join(arguments.report, "v1.md"), "w") as target:
            target.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
