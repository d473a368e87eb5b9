"""Writes the report and its plots from the results of a run."""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as pyplot  # noqa: E402

# The same results give the same file.
matplotlib.rcParams.update({"svg.hashsalt": "history-gateway", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})

folder = pathlib.Path(sys.argv[1])
results = json.loads((folder / "results.json").read_text())


def median(values):
    return sorted(values)[len(values) // 2]


def of_ratios(rounds, above, below):
    """The median of the rounds' ratios, and their range."""
    ratios = [each[above] / each[below] for each in rounds]
    digits = 2 if median(ratios) < 10 else 0
    return f"{median(ratios):.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})"


def plot(name, title, x_label, y_label, lines, log_x=True, log_y=True):
    figure, axes = pyplot.subplots(figsize=(7.2, 4.2))
    for label, points in lines.items():
        axes.plot([x for x, _ in points], [y for _, y in points], marker="o", markersize=3.5, label=label)
    if log_x:
        axes.set_xscale("log")
    if log_y:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.legend(fontsize=7.5)
    figure.tight_layout()
    figure.savefig(folder / name, metadata={"Date": None})
    pyplot.close(figure)


def side_by_side():
    rows = [
        "| question | bytes | gateway, requests a second | of the ceiling | times Express | times FastAPI |",
        "|---|---|---|---|---|---|",
    ]
    for name, outcome in results["compared"].items():
        rounds = outcome["rounds"]
        if not rounds:
            rows.append(f"| {name} | {outcome['bytes']:,} | no steady round | | | |")
            continue
        own = median([each["gateway"] for each in rounds])
        others = [of_ratios(rounds, "gateway", key) if key in rounds[0] else "" for key in ("express", "fastapi")]
        ceiling = of_ratios(rounds, "gateway", "ceiling")
        rows.append(f"| {name} | {outcome['bytes']:,} | {own:,.0f} | {ceiling} | {' | '.join(others)} |")
    return "\n".join(rows)


def by_size():
    sizes = results["sizes"]
    rows = [
        "| question, milliseconds | " + " | ".join(f"{size['messages']:,}" for size in sizes) + " | last to first |",
        "|---" * (len(sizes) + 2) + "|",
    ]
    for name in sizes[0]["milliseconds"]:
        times = [size["milliseconds"][name] for size in sizes]
        cells = " | ".join(f"{time:.2f}" for time in times)
        rows.append(f"| {name} | {cells} | {times[-1] / times[0]:.2f} |")
    return "\n".join(rows)


def recording():
    rows = ["| messages | messages a second, in one go | bytes a message on disk |", "|---|---|---|"]
    for size in results["sizes"]:
        rows.append(f"| {size['messages']:,} | {size['messages'] / size['seconds']:,.0f} | {size['bytes']:,.0f} |")
    return "\n".join(rows)


def heavy():
    rows = ["| heavy questions at once | median, ms | 99th percentile, ms | heavy ones answered a second |", "|---|---|---|---|"]
    for each in results["heavy"]:
        rows.append(f"| {each['clients']} | {each['p50']:.2f} | {each['p99']:.2f} | {each['heavy']:.1f} |")
    return "\n".join(rows)


sizes = results["sizes"]
plot(
    "size.svg", "Latency against the size of the store", "messages", "milliseconds",
    {name: [(size["messages"], size["milliseconds"][name]) for size in sizes] for name in sizes[0]["milliseconds"]},
)  # fmt: skip
plot(
    "offset.svg", f"Latency against the offset, {sizes[-1]['messages']:,} messages", "offset (+ 1)", "milliseconds",
    {"15 SMS of a year": [(offset + 1, time) for offset, time in results["offsets"]]},
)  # fmt: skip
plot(
    "recording.svg", "Recording a store in one go", "messages", "messages a second",
    {"generate": [(size["messages"], size["messages"] / size["seconds"]) for size in sizes]}, log_y=False,
)  # fmt: skip
plot(
    "heavy.svg", "A recipient's page beside heavy questions", "heavy questions at once", "milliseconds",
    {
        "99th percentile": [(each["clients"], each["p99"]) for each in results["heavy"]],
        "median": [(each["clients"], each["p50"]) for each in results["heavy"]],
    },
    log_x=False, log_y=False,
)  # fmt: skip

facts = results["facts"]
thrown = sum(outcome["thrown"] for outcome in results["compared"].values())
offsets = "\n".join(f"| {offset:,} | {time:.2f} |" for offset, time in results["offsets"])
(folder / "README.md").write_text(
    f"""# The gateway beside others

Written by `benches/compare/run`, which anybody can repeat. {facts["date"]}, version {facts["commit"]}; {facts["processor"]},
{facts["memory"]} of memory; {facts["system"]}; {facts["rust"]}; Node.js {facts["node"]}; Python {facts["python"]}.

The messages come from `history-gateway generate`: 400 days, one tenant, about 575 bytes each. Express with better-sqlite3 and
FastAPI with SQLAlchemy read the same messages from a table of their own with the obvious indexes, in prepared statements
(`benches/compare/express`, `benches/compare/fastapi`). All bodies agree. The *ceiling* parses the request and sends a ready
body. Every server has one core, the load the other. [benches/README.md](../README.md#the-goals) says what was wanted, and why what
is not met is not met.

[v1.md](v1.md) has the figures of the read API that the others do not have: pages by cursor, changes, search.

## Side by side, {results["compared_messages"]:,} messages

Medians and ranges of interleaved rounds. A round whose ceiling moved by more than a tenth between its beginning and its end
was thrown away: {thrown} of them.

{side_by_side()}

## Latency against the size of the store

![Latency against the size of the store](size.svg)

Medians of fifty requests, one after another, with the client's own time.

{by_size()}

## Latency against the offset

![Latency against the offset](offset.svg)

| offset | milliseconds |
|---|---|
{offsets}

## Recording

![Recording](recording.svg)

{recording()}

The time includes making the messages up, and building the blocks.

## A recipient's page beside heavy questions

![A recipient's page beside heavy questions](heavy.svg)

A hundred pages a second, while other clients ask for 1000 messages of a year by content, again and again. They share the server's core.

{heavy()}
"""
)
