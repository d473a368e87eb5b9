#!/usr/bin/env python3
"""Measures the gateway's own read API on SQLite: pages at any depth, searches, a change's way to a waiting reader, and what
the text index costs those who record. Interleaved runs and ratios; loopback only; ends by itself.

    benches/v1/run.py --binary target/release/history-gateway --messages 500000

With --baseline, an older binary, the cost of the change sequence and of the new columns is measured too.
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

TENANT = "3193"


class Gateway:
    """A server on a store of its own."""

    def __init__(self, binary, database, environment=None):
        self.log = tempfile.TemporaryFile("w+")
        settings = os.environ | {"HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{database}", "HISTORY_GATEWAY__LOG__LEVEL": "info"}
        command = [binary, "serve", "--bind", "127.0.0.1:0"]
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


def indexed(gateway):
    """Waits until the text index is complete, and returns the seconds."""
    started, connection = time.perf_counter(), gateway.connection()
    while True:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        found = re.search(r'search_changes_behind\{tenant="3193"\} (\d+)', text)
        if found and found.group(1) == "0":
            return time.perf_counter() - started
        time.sleep(0.5)


def message(number, prefix):
    text = f"Ваш заказ {number} оплачен. Мы напишем, когда передадим его в доставку."
    return {"messageId": prefix + number, "channelType": "SMS", "direction": "OUT", "address": f"7900{number % 20000:07}",
            "content": {"type": "TEXT", "text": text}, "sentOrReceivedAt": "2026-03-01T10:00:00Z", "subjectId": 501,
            "comment": f"order-{prefix + number}", "deliveryStatus": "SENT", "deliveryStatusAt": "2026-03-01T10:00:01Z"}


def record(gateway, key, seconds, prefix, batch=1, connections=4):
    """Records for some seconds; returns the messages a second and the median milliseconds of an acknowledgement."""
    counts, times, end = [0] * connections, [], time.perf_counter() + seconds

    def work(index):
        connection, number = gateway.connection(), index * 10_000_000
        while time.perf_counter() < end:
            body = json.dumps([message(number + n, prefix) for n in range(batch)])
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


def reads(arguments, folder):
    database, key = new_store(arguments.binary, folder, "reads.db")
    count = str(arguments.messages)
    run(arguments.binary, database, "generate", "--tenant", TENANT, "--messages", count, "--until", "2026-03-01")
    before = size(database)
    started = time.perf_counter()
    run(arguments.binary, database, "search", "rebuild")
    took = time.perf_counter() - started
    after = size(database)
    per = arguments.messages
    print(f"messages: {per}; bytes a message without the text index: {before / per:.0f}, with it: {after / per:.0f}")
    print(f"search rebuild: {took:.0f} s, {per / took:.0f} messages a second")
    gateway = Gateway(arguments.binary, database)
    connection = gateway.connection()
    deep, cursor = {"limit": 1000}, None
    depth = min(1_000_000, per * 4 // 5)
    for _ in range(depth // 1000):
        cursor = ask(connection, key, deep | ({"cursor": cursor} if cursor else {}))["next"]
    near = ask(connection, key, {"limit": 10})["next"]
    # A number that an old message has.
    contents = [message["content"] for message in ask(connection, key, deep | {"cursor": cursor})["messages"]]
    code = next(found.group(1) for found in (re.search(r"(?:заказ|order) (\d{6})", text) for text in contents) if found)
    bodies = {"depth 10": {"limit": 15, "cursor": near}, f"depth {depth}": {"limit": 15, "cursor": cursor}}
    bodies |= {"newest 15": {"limit": 15}, "a rare word": {"text": code, "limit": 15},
               "a word that is not there": {"text": "гиппопотам", "limit": 15}, "a frequent word": {"text": "заказ", "limit": 15},
               "two frequent words": {"text": "order paid", "limit": 15}, "a phrase": {"text": "\"заказ оплачен\"", "limit": 15},
               "a beginning": {"text": "достав*", "limit": 15}, "two words that never meet": {"text": "скидка delivery", "limit": 15},
               "undelivered": {"deliveryStatus": "UNDELIVERED", "limit": 15}}
    for name, milliseconds in timed(connection, key, bodies, arguments.rounds).items():
        found = ask(connection, key, bodies[name])
        print(f"{name}: {milliseconds:.2f} ms, {len(found['messages'])} messages, complete {found['complete']}")
    gateway.stop()


def changes(arguments, folder):
    database, key = new_store(arguments.binary, folder, "changes.db")
    gateway = Gateway(arguments.binary, database)
    rate, median, late = follow(gateway, key, 10, 1000)
    print(f"changes: {rate:.0f} writes a second; from the acknowledgement to a waiting reader: p50 {median:.1f} ms, p99 {late:.1f} ms")
    gateway.stop()


def recording(arguments, folder):
    kinds = {"index on": (arguments.binary, "true"), "index off": (arguments.binary, "false")}
    if arguments.baseline:
        kinds["baseline"] = (arguments.baseline, None)
    ratios = {(name, batch): [] for name in kinds for batch in (1, 100)}
    for turn in range(arguments.rounds // 4 + 1):
        rates = {}
        for batch in (1, 100):
            for name, (binary, enabled) in kinds.items():
                database, key = new_store(binary, folder, f"record-{turn}-{batch}-{name.replace(' ', '-')}.db")
                gateway = Gateway(binary, database, {"HISTORY_GATEWAY__SEARCH__ENABLED": enabled} if enabled else None)
                record(gateway, key, 0.5, 10_000_000_000, batch)
                rates[name, batch] = record(gateway, key, 3, 20_000_000_000, batch)
                gateway.stop()
        for (name, batch), (rate, _) in rates.items():
            ratios[name, batch].append(rates["index off", batch][0] / rate)
        print({f"{name} by {batch}": f"{rate:.0f}/s, {median:.2f} ms" for (name, batch), (rate, median) in rates.items()})
    for (name, batch), values in ratios.items():
        print(f"recording by {batch}, {name}: {statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f}) of the time with the index off")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/history-gateway")
    parser.add_argument("--baseline")
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=["reads", "changes", "recording"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for part in (reads, changes, recording):
            if arguments.only in (None, part.__name__):
                part(arguments, folder)


if __name__ == "__main__":
    main()
