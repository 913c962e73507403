"""Makes harbour-arrivals.csv: synthetic, seeded, the same bytes on every machine.

    python3 make_harbour_arrivals.py > harbour-arrivals.csv

Nothing in it comes from a real ship, harbour or company. What is built in, so that there is something to find:
ships come mostly around 7:00 and 17:00, and a ship waits longer when more ships came in the hours before it.
"""

from __future__ import annotations

import math
import random
import sys
from datetime import datetime, timedelta

SEED = 20250101
START = datetime(2025, 1, 1)
DAYS = 365
SHIPS = 240
KINDS = {"ferry": (0.35, 90, 25), "cargo": (0.30, 160, 45), "tanker": (0.10, 190, 40), "fishing": (0.25, 24, 6)}


def arrivals_per_hour(hour: int) -> float:
    """Expected arrivals in this hour of any day: a quiet base and two tides of work."""
    return 0.05 + 0.75 * math.exp(-((hour - 7) ** 2) / 6) + 0.6 * math.exp(-((hour - 17) ** 2) / 8)


def main() -> None:
    rng = random.Random(SEED)

    def poisson(mean: float) -> int:
        # Knuth's method: `random` itself promises the same stream for a seed, its newer distributions do not.
        limit, count, product = math.exp(-mean), 0, rng.random()
        while product > limit:
            count += 1
            product *= rng.random()
        return count

    fleet = []
    for number in range(1, SHIPS + 1):
        pick, kind = rng.random(), ""
        for kind, (share, _, _) in KINDS.items():
            pick -= share
            if pick <= 0:
                break
        _, mean, spread = KINDS[kind]
        length = max(12, round(mean + spread * (rng.random() + rng.random() - 1) * 1.5))
        fleet.append((f"S-{number:04}", kind, length))

    out = ["arrived_at,ship,kind,length_m,waited_min"]
    recent = 0.0
    for hours in range(DAYS * 24):
        hour = START + timedelta(hours=hours)
        minutes = sorted(int(rng.random() * 60) for _ in range(poisson(arrivals_per_hour(hour.hour))))
        for minute in minutes:
            ship, kind, length = fleet[int(rng.random() * SHIPS)]
            queue = recent * (0.6 if kind == "ferry" else 1.0)
            waited = round(4 + 22 * queue + length / 25 + 10 * rng.random())
            out.append(f"{(hour + timedelta(minutes=minute)).isoformat(timespec='minutes')},{ship},{kind},{length},{waited}")
            recent += 0.5
        recent *= 0.7
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
