#!/usr/bin/env python3
"""Measures what each index of the read API's filters costs on SQLite: the bytes of a message, and the processor time of an
import into a store that has the index beside one without it. Interleaved runs and ratios; ends by itself.

    benches/v1/indexes.py --binary target/release/history-gateway --messages 500000
"""
import argparse
import itertools
import json
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import tempfile

from run import TENANT, new_store, run, size

INDEXES = ["messages_by_comment", "messages_by_status", "messages_by_cascade", "messages_by_broadcast"]


def imported(binary, database, file):
    """The processor seconds of an import."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(binary, database, "import", "--tenant", TENANT, file)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def without(base, target, indexes):
    """A copy of the store that lacks some indexes."""
    shutil.copyfile(base, target)
    connection = sqlite3.connect(target)
    for index in indexes:
        connection.execute(f"DROP INDEX {index}")
    connection.commit()
    connection.close()
    return target


def new_messages(binary, base, folder, count):
    """A file of messages like those of the store, with ids of their own."""
    environment = os.environ | {"HISTORY_GATEWAY__DATABASE__URL": f"sqlite://{base}"}
    export = subprocess.Popen([binary, "export", "--tenant", TENANT], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, "new.ndjson"), "w") as target:
        for line in itertools.islice(export.stdout, count):
            item = json.loads(line)
            item["messageId"] += 10**12
            target.write(json.dumps(item, ensure_ascii=False) + "\n")
    export.kill()
    export.wait()
    return target.name


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/history-gateway")
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--import", dest="count", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base, _ = new_store(arguments.binary, folder, "base.db")
        run(arguments.binary, base, "generate", "--tenant", TENANT, "--messages", str(arguments.messages), "--until", "2026-03-01")
        file = new_messages(arguments.binary, base, folder, arguments.count)
        whole = size(base)
        variants = {"all": INDEXES, **{name: [name] for name in INDEXES}}
        ratios = {name: [] for name in variants}
        sizes = {}
        for turn in range(arguments.rounds):
            target = os.path.join(folder, "copy.db")
            times = {}
            each = [("none", []), *variants.items()]
            # Each round begins with another one, because the first finds colder caches.
            for name, dropped in each[turn % len(each):] + each[:turn % len(each)]:
                without(base, target, dropped)
                sizes[name] = whole - size(target)
                times[name] = imported(arguments.binary, target, file)
                for left in (target, target + "-wal", target + "-shm"):
                    if os.path.exists(left):
                        os.remove(left)
            for name in variants:
                ratios[name].append(times["none"] / times[name])
        for name, values in ratios.items():
            print(f"{name}: {sizes[name] / arguments.messages:.1f} bytes a message; an import takes {statistics.median(values):.3f} "
                  f"({min(values):.3f} to {max(values):.3f}) of the processor time without it")


if __name__ == "__main__":
    main()
