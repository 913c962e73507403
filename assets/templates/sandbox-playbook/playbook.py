"""Runs the playbook and says whether it had anything left to change.

    python playbook.py check     exit 0 if a rehearsal (--check) would change nothing
    python playbook.py prove     run it for real, exit 0 if it changed nothing, and keep the proof in second-run.json
    python playbook.py proven    exit 0 if the proof fits today's playbook and a rehearsal would change nothing
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROOF = HERE / "second-run.json"
RECAP = re.compile(r"^(?P<host>\S+)\s+:\s+(?P<counts>(?:\w+=\d+\s*)+)$", re.MULTILINE)


class NotConverged(Exception):
    """Why the sandbox does not count as done."""


def read_recap(output: str) -> dict[str, int]:
    """The counts Ansible prints last: {"ok": 6, "changed": 0, …}. This playbook has one host, so one line."""
    lines = list(RECAP.finditer(output))
    if len(lines) != 1:
        raise NotConverged(f"Ansible gave {len(lines)} recap lines instead of one.")
    return {name: int(count) for name, count in (pair.split("=") for pair in lines[0]["counts"].split())}


def run(*arguments: str) -> dict[str, int]:
    """Runs site.yml, shows what Ansible says, returns its recap."""
    ansible = Path(sys.executable).with_name("ansible-playbook")
    if not ansible.exists():
        raise NotConverged("Ansible is not installed in this virtual environment.")
    done = subprocess.run(
        [str(ansible), "-c", "local", "site.yml", *arguments],
        cwd=HERE,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    print(done.stdout, end="")
    if done.returncode != 0:
        raise NotConverged(f"Ansible failed with exit code {done.returncode}.")
    return read_recap(done.stdout)


def must_be_unchanged(recap: dict[str, int]) -> None:
    if recap["ok"] == 0:
        raise NotConverged("Ansible ran no task.")
    if recap["changed"] != 0:
        raise NotConverged(f"changed={recap['changed']}; 0 is wanted.")


def fingerprint() -> str:
    """SHA-256 over everything that decides what the playbook does."""
    digest = hashlib.sha256()
    for path in [HERE / "site.yml", HERE / "vars.yml", HERE / "inventory.ini", *sorted(HERE.glob("templates/*"))]:
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def prove() -> None:
    recap = run()
    must_be_unchanged(recap)
    proof = {"fingerprint": fingerprint(), "at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "recap": recap}
    PROOF.write_text(json.dumps(proof, indent=2) + "\n", encoding="utf-8")


def proven() -> None:
    try:
        proof = json.loads(PROOF.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NotConverged("The second run has not been made yet.") from error
    if proof.get("fingerprint") != fingerprint():
        raise NotConverged("The playbook has changed since its second run.")
    must_be_unchanged(run("--check"))


def main() -> None:
    commands = {"check": lambda: must_be_unchanged(run("--check")), "prove": prove, "proven": proven}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(f"Say one of: {', '.join(commands)}.")
    try:
        commands[sys.argv[1]]()
    except NotConverged as reason:
        sys.exit(str(reason))
    print("Nothing is left to change.")


if __name__ == "__main__":
    main()
