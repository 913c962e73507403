"""What both the analysis and the check of its chart need to know. Standard library only."""

from __future__ import annotations

import hashlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = HERE / "data" / "harbour-arrivals.csv"
OUTPUT = HERE / "output"
CHART = OUTPUT / "waiting-by-hour.png"
SUMMARY = OUTPUT / "summary.json"

COLUMNS = ["arrived_at", "ship", "kind", "length_m", "waited_min"]

# Written into the PNG, so that a chart can be traced to the data and the code that made it.
FINGERPRINT_KEY = "Harbour-Fingerprint"


def fingerprint() -> str:
    """SHA-256 over the data and the code that turns it into the chart, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for path in (DATA, HERE / "analyse.py", HERE / "harbour.py", HERE / "requirements.txt"):
        digest.update(path.name.encode())
        digest.update(b"\0")
        digest.update(path.read_bytes())
    return digest.hexdigest()
