"""The share of mutants that tests kill, by module, from the last `make mutants`; and those that live.

    python benchmarks/mutation_score.py

Prints the table of docs/mutants.md, then a line for each survivor: `mutmut show NAME` says what was changed.
"""

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

KILLED = ("killed", "timeout", "segfault", "suspicious")
NOT_TRIED = ("not checked", "skipped")


def results() -> dict[str, str]:
    """What became of each mutant that was tried, by name."""
    mutmut = Path(sys.executable).parent / "mutmut"
    command = [str(mutmut), "results", "--all", "true"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    pairs = (line.strip().split(": ") for line in lines if ": " in line)
    return {name: status for name, status in pairs if status not in NOT_TRIED}


def module_of(mutant: str) -> str:
    """A file below `sklearn_ftr`, from a name like sklearn_ftr.allocation._plan.x__cost__mutmut_3."""
    return "/".join(mutant.split(".")[1:-1]) + ".py"


def table(found: dict[str, str]) -> str:
    """Rows for each module, and for all."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, status in found.items():
        for row in (module_of(name), "all"):
            counts[row][status] += 1
    lines = [
        "| module | mutants | killed | survived | without a test | score |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in [*sorted(set(counts) - {"all"}), "all"]:
        of_row = counts[row]
        killed, tried = sum(of_row[status] for status in KILLED), of_row.total()
        lines.append(
            f"| {row} | {tried} | {killed} | {of_row['survived']} | {of_row['no tests']} | {killed / tried:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table and the survivors."""
    found = results()
    if not found:
        sys.exit("No mutant has been tried; `make mutants` tries some.")
    print(table(found))
    print()
    print("\n".join(name for name, status in found.items() if status in ("survived", "no tests")))


if __name__ == "__main__":
    main()
