"""Reads every recording of a folder and prints, field by field, how much of what is expected was read.

    python -m tests.recordings FOLDER [--only NAME …] [--field FIELD …] [--misses] [--show] [--quick]
    python -m tests.recordings FOLDER --as-if unprofiled|sibling [--misses]

FOLDER holds serve.py, ``*.snmprec`` and expected.json. ``--quick`` reads the files themselves instead of asking over UDP.
``--as-if`` does so too and tells what would be read of these devices if nobody had seen them (see unseen.py), and of whose
devices the least.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.recordings.judged import Verdict, judge
from tests.recordings.reading import from_files, over_udp

WORST = 25  # recordings named by --as-if
SHOWN = 6  # differences per field and recording, without --all


def main() -> int:
    options = _options()
    expected = json.loads((options.folder / "expected.json").read_text(encoding="utf-8"))
    names = [name for name in sorted(expected) if not options.only or any(part in name for part in options.only)]
    quick = options.quick or options.as_if
    read = from_files(options.folder, names, options.profiles, options.as_if) if quick else over_udp(options.folder, names)
    readings = dict(read)
    verdicts = {name: [v for v in judge(expected[name], readings[name]) if _asked(v, options.as_if)] for name in names}
    if options.show:
        for name in names:
            print(name, json.dumps(readings[name], ensure_ascii=False, indent=1))
    if options.misses or options.all:
        _print_misses(verdicts, readings, options)
    if options.as_if:
        _print_worst(verdicts)
    _print_shares(verdicts)
    return 0


def _asked(verdict: Verdict, as_if: str | None) -> bool:
    """A sibling says another sysObjectID than the recorded device."""
    return not (as_if == "sibling" and verdict.field == "sysObjectID")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="recordings whose name contains one of these")
    parser.add_argument("--field", nargs="+", metavar="FIELD", help="with --misses: only these fields")
    parser.add_argument("--misses", action="store_true", help="print what differs, the first few of each field")
    parser.add_argument("--all", action="store_true", help="print all that differs")
    parser.add_argument("--show", action="store_true", help="print the readings")
    parser.add_argument("--quick", action="store_true", help="read the files instead of asking over UDP")
    parser.add_argument("--profiles", nargs="+", metavar="PREFIX", help="with --quick: only profiles that begin so")
    parser.add_argument("--as-if", choices=["unprofiled", "sibling"], help="as if nobody knew the device, or its model")
    return parser.parse_args()


def _print_misses(verdicts: Mapping[str, list[Verdict]], readings: Mapping[str, Any], options: argparse.Namespace) -> None:
    for name, judged in verdicts.items():
        wrong = [v for v in judged if v.share < 1 and (not options.field or v.field in options.field)]
        if not wrong:
            continue
        print(f"{name} (profile {readings[name]['profile']}) {'; '.join(readings[name]['problems'])}")
        for verdict in wrong:
            shown = verdict.differences if options.all else verdict.differences[:SHOWN]
            left = len(verdict.differences) - len(shown)
            print(f"  {verdict.field} {verdict.share:.0%}", *shown, *([f"… {left} more"] if left else []), sep="\n    ")


def _print_worst(verdicts: Mapping[str, Sequence[Verdict]]) -> None:
    """Recordings of which least is read, with the fields of which nothing is."""
    shares = {name: _mean([verdict.share for verdict in judged]) for name, judged in verdicts.items()}
    for name in sorted(shares, key=lambda name: (shares[name], name))[:WORST]:
        print(f"{name:<34}{shares[name]:>8.1%}  {', '.join(v.field for v in verdicts[name] if v.share == 0)}")


def _print_shares(verdicts: Mapping[str, Iterable[Verdict]]) -> None:
    shares: dict[str, list[float]] = defaultdict(list)
    for judged in verdicts.values():
        for verdict in judged:
            shares[verdict.field].append(verdict.share)
    everything = [share for listed in shares.values() for share in listed]
    print(f"{'field':<34}{'share':>8}{'strict':>8}{'equal':>8}{'of':>6}")
    for field, listed in [*shares.items(), ("all", everything)]:
        equal = sum(share == 1 for share in listed)
        print(f"{field:<34}{_mean(listed):>8.1%}{equal / max(1, len(listed)):>8.1%}{equal:>8}{len(listed):>6}")


def _mean(shares: list[float]) -> float:
    return sum(shares) / max(1, len(shares))


if __name__ == "__main__":
    sys.exit(main())
