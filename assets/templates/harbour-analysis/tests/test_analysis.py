"""Run with: .venv/bin/python -m unittest discover -s tests"""

from __future__ import annotations

import struct
import sys
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd

import analyse
import check_chart
import check_packages


class WaitingByHour(unittest.TestCase):
    def test_quartiles_of_a_table_worked_out_by_hand(self) -> None:
        arrivals = pd.DataFrame(
            {
                "arrived_at": pd.to_datetime(
                    ["2025-01-01 06:10", "2025-01-02 06:40", "2025-01-03 06:59", "2025-01-03 17:00"]
                ),
                "waited_min": [10, 20, 40, 7],
            }
        )
        table = analyse.waiting_by_hour(arrivals)
        self.assertEqual(list(table.loc[6]), [3, 15, 20, 30])
        self.assertEqual(list(table.loc[17]), [1, 7, 7, 7])
        self.assertTrue(table.loc[3].isna().all())
        self.assertEqual(len(table), 24)


class ReadPng(unittest.TestCase):
    @staticmethod
    def png(body: bytes) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")

    def test_a_sound_picture_is_read(self) -> None:
        self.assertEqual(check_chart.read_png(self.png(b"\0\x7f")), (1, 1, {}, b"\0\x7f"))

    def test_a_torn_or_changed_picture_is_refused(self) -> None:
        sound = self.png(b"\0\x7f")
        changed = bytearray(sound)
        changed[20] ^= 1
        for broken in (b"", b"GIF89a", sound[:-12], sound[:40], bytes(changed)):
            with self.assertRaises(check_chart.NotGood):
                check_chart.read_png(broken)


class Pins(unittest.TestCase):
    def test_the_first_unfulfilled_line_is_named(self) -> None:
        self.assertIsNone(check_packages.problem("# why\n\npandas>=1 # note\nno-such-package==1; python_version < '3'\n"))
        self.assertEqual(check_packages.problem("no-such-package==1"), "no-such-package is not installed.")
        self.assertIn("==0.0.1 is wanted", check_packages.problem("pandas==0.0.1"))


if __name__ == "__main__":
    unittest.main()
