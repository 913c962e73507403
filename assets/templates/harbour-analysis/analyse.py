"""When do ships wait longest for a berth? Reads data/harbour-arrivals.csv, writes a chart and its numbers to output/."""

from __future__ import annotations

import json
import os
import sys

import harbour

# A chart needs no window, and matplotlib's font cache belongs with the rest of this folder.
os.environ.setdefault("MPLCONFIGDIR", str(harbour.OUTPUT / ".matplotlib"))

import matplotlib  # noqa: E402

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402


def load() -> pd.DataFrame:
    """One row per arrival. Fails with a sentence if the file is not what README.md says."""
    try:
        arrivals = pd.read_csv(harbour.DATA, parse_dates=["arrived_at"])
    except FileNotFoundError:
        sys.exit(f"There is no data at {harbour.DATA}.")
    if list(arrivals.columns) != harbour.COLUMNS:
        sys.exit(f"The columns are {list(arrivals.columns)}; {harbour.COLUMNS} are wanted.")
    return arrivals


def waiting_by_hour(arrivals: pd.DataFrame) -> pd.DataFrame:
    """Number of arrivals and quartiles of the waiting time in minutes, for each hour of the day, 0 to 23."""
    waited = arrivals.groupby(arrivals["arrived_at"].dt.hour)["waited_min"]
    table = pd.DataFrame(
        {"n": waited.size(), "q1": waited.quantile(0.25), "median": waited.median(), "q3": waited.quantile(0.75)}
    )
    return table.reindex(range(24)).rename_axis("hour")


def draw(table: pd.DataFrame, n: int) -> None:
    figure, axes = plt.subplots(figsize=(9, 5), dpi=120)
    axes.fill_between(table.index, table["q1"], table["q3"], color="#7FB2FF", alpha=0.35, label="middle half of ships")
    axes.plot(table.index, table["median"], color="#1F5FBF", linewidth=2, marker="o", markersize=4, label="median")
    axes.set_title(f"Waiting for a berth, by hour of arrival (n = {n}, synthetic data)")
    axes.set_xlabel("Hour of arrival")
    axes.set_ylabel("Minutes waited")
    axes.set_xticks(range(0, 24, 3))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(harbour.CHART, metadata={harbour.FINGERPRINT_KEY: harbour.fingerprint()})
    plt.close(figure)


def main() -> None:
    arrivals = load()
    table = waiting_by_hour(arrivals)
    harbour.OUTPUT.mkdir(exist_ok=True)
    draw(table, len(arrivals))
    busiest, longest = int(table["n"].idxmax()), int(table["median"].idxmax())
    summary = {
        "arrivals": len(arrivals),
        "median_minutes": float(arrivals["waited_min"].median()),
        "busiest_hour": busiest,
        "longest_wait_hour": longest,
    }
    harbour.SUMMARY.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    print(f"{len(arrivals)} arrivals. Most ships arrive around {busiest}:00.")
    print(f"They wait longest around {longest}:00: {table['median'][longest]:.0f} minutes in the median.")
    print(f"The chart is at {harbour.CHART}.")


if __name__ == "__main__":
    main()
