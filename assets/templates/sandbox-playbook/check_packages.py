"""Exit 0 if this environment holds the packages that requirements.txt pins for this Python. Asks no registry."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).resolve().parent


def problem(text: str) -> str | None:
    """The first line of a requirements file that is not fulfilled, in words, or None."""
    # Comes with what is checked for: where it is missing, so is the rest.
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return "Nothing is installed yet."
    for line in text.splitlines():
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            return f"{wanted.name} is not installed."
        if found not in wanted.specifier:
            return f"{wanted.name} is {found}; {wanted.specifier} is wanted."
    return None


def main() -> None:
    if sys.prefix == sys.base_prefix:
        sys.exit("This is not the virtual environment.")
    if reason := problem((HERE / "requirements.txt").read_text(encoding="utf-8")):
        sys.exit(reason)
    print("The packages are installed as pinned.")


if __name__ == "__main__":
    main()
