"""Exit 0 if the chart is a sound picture, made by this code from this data, and its numbers are right.

Standard library only, and a second way to the numbers: pandas is not asked whether pandas was right.
"""

from __future__ import annotations

import csv
import json
import statistics
import struct
import sys
import zlib
from collections import Counter
from datetime import datetime

import harbour

MIN_WIDTH, MIN_HEIGHT = 600, 400
MIN_SHADES = 16  # A blank or torn picture has fewer.


class NotGood(Exception):
    """Why the chart does not count."""


def read_png(data: bytes) -> tuple[int, int, dict[str, str], bytes]:
    """Width, height, text entries and the unpacked pixel stream. Every checksum is verified."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise NotGood("The chart is not a PNG file.")
    at, size, texts, packed, ended = 8, None, {}, b"", False
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        crc = data[at + 8 + length : at + 12 + length]
        if len(body) != length or crc != struct.pack(">I", zlib.crc32(kind + body)):
            raise NotGood("The chart is damaged.")
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"tEXt":
            key, _, value = body.partition(b"\0")
            texts[key.decode("latin-1")] = value.decode("latin-1")
        elif kind == b"IDAT":
            packed += body
        elif kind == b"IEND":
            ended = True
        at += 12 + length
    if size is None or not ended:
        raise NotGood("The chart is cut short.")
    try:
        return *size, texts, zlib.decompress(packed)
    except zlib.error as error:
        raise NotGood("The chart is damaged.") from error


def check_chart() -> None:
    if not harbour.CHART.is_file():
        raise NotGood("There is no chart yet.")
    width, height, texts, pixels = read_png(harbour.CHART.read_bytes())
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise NotGood(f"The chart is only {width} by {height} pixels.")
    if len(set(pixels)) < MIN_SHADES:
        raise NotGood("The chart is blank.")
    if texts.get(harbour.FINGERPRINT_KEY) != harbour.fingerprint():
        raise NotGood("The chart was made from other data or by other code.")


def check_summary() -> dict[str, float]:
    with harbour.DATA.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    hours = [datetime.fromisoformat(row["arrived_at"]).hour for row in rows]
    waits = [float(row["waited_min"]) for row in rows]
    by_hour = {hour: [w for h, w in zip(hours, waits) if h == hour] for hour in set(hours)}
    medians = {hour: statistics.median(values) for hour, values in by_hour.items()}
    counts = Counter(hours)
    wanted = {
        "arrivals": len(rows),
        "median_minutes": statistics.median(waits),
        # The earliest hour wins a tie, as in pandas' idxmax.
        "busiest_hour": max(sorted(counts), key=counts.__getitem__),
        "longest_wait_hour": max(sorted(medians), key=medians.__getitem__),
    }
    try:
        found = json.loads(harbour.SUMMARY.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotGood("There is no summary beside the chart.") from error
    if found != wanted:
        raise NotGood(f"The summary says {found}; the data says {wanted}.")
    return wanted


def main() -> None:
    try:
        check_chart()
        summary = check_summary()
    except NotGood as reason:
        sys.exit(str(reason))
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} does not exist.")
    print(f"The chart is sound and shows all {summary['arrivals']} arrivals.")


if __name__ == "__main__":
    main()
