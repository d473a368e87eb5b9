"""Measures: interleaved rounds between two canaries, latency at a steady rate, and heavy questions beside a cheap one."""

import json
import re
import subprocess
import threading
import time
import urllib.error

from servers import KEY, WORK, Server

# A round whose ceiling moved by more than this is thrown away.
STEADY = 0.10
TRIES = 3


def median(values):
    return sorted(values)[len(values) // 2]


def rate(server, body, seconds):
    """Requests a second, with eight connections from the second core."""
    script = WORK / "ask.lua"
    script.write_text(
        f"wrk.method = 'POST'\nwrk.headers['x-api-key'] = '{KEY}'\n"
        f"wrk.headers['Content-Type'] = 'application/json'\nwrk.body = [==[{body}]==]\n"
    )
    load = ["taskset", "-c", "1", "wrk", "-t1", "-c8", "--timeout", "30s", "-s", str(script)]
    output = subprocess.run([*load, "-d", f"{seconds}s", server.url()], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        raise SystemExit(f"{server.name} rejects a request: {output}")
    # If there was no response at all, one is counted.
    return max(float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]), 1 / seconds)


def agree(expected, given):
    """Whether two bodies say the same, whatever their white space and escapes."""
    return expected == given or json.loads(expected) == json.loads(given)


def compare(store, body, names, rounds, seconds):
    """The rate of each server in each steady round, and how many rounds were thrown away."""
    with Server(store, "gateway") as gateway:
        expected = gateway.ask(body)
    ready = WORK / "body"
    ready.write_bytes(expected)
    kept, thrown = [], 0

    def once(name, argument=None):
        with Server(store, name, argument) as server:
            if not agree(expected, server.ask(body)):
                raise SystemExit(f"{name} gives another body for {body}")
            rate(server, body, 1)
            return rate(server, body, seconds)

    while len(kept) < rounds and thrown < rounds * TRIES:
        opening = once("ceiling", ready)
        rates = {name: once(name) for name in names}
        closing = once("ceiling", ready)
        if abs(opening - closing) / opening > STEADY:
            thrown += 1
            continue
        kept.append({**rates, "ceiling": (opening + closing) / 2})
    return {"bytes": len(expected), "rounds": kept, "thrown": thrown}


def pace(store, server, body, per_second, seconds):
    """The median and the 99th percentile, in milliseconds, at a steady rate."""
    file = WORK / "pace"
    file.write_text(body)
    driver = ["taskset", "-c", "1", store.programs["http"], "--role", "pace", server.address, str(file)]
    output = subprocess.run([*driver, str(per_second), str(seconds)], capture_output=True, text=True, check=True).stdout
    return [float(number) for number in output.split()]


def latency(store, body, repeats):
    """The median milliseconds of one request after another, without the network's share."""
    with Server(store, "gateway") as server:
        took = []
        for _ in range(repeats):
            started = time.perf_counter()
            server.ask(body)
            took.append((time.perf_counter() - started) * 1000)
        return median(took)


def beside_heavy(store, cheap, heavy, clients, seconds):
    """The 99th percentile of a cheap question while so many clients ask a heavy one, again and again."""
    with Server(store, "gateway") as server:
        server.ask(cheap)
        stopped = threading.Event()
        answered = [0]

        def ask():
            while not stopped.is_set():
                try:
                    server.ask(heavy)
                    answered[0] += 1
                except urllib.error.HTTPError as error:
                    # The queue is full; a client waits as long as it is told.
                    stopped.wait(float(error.headers.get("Retry-After", 1)))

        threads = [threading.Thread(target=ask) for _ in range(clients)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        result = pace(store, server, cheap, 100, seconds)
        stopped.set()
        for thread in threads:
            thread.join()
        return {"p50": result[0], "p99": result[1], "heavy": answered[0] / (seconds + 1)}
