"""Writes the sample incidents: `python sample_logs/simulate.py [NAME|all] [--out FOLDER] [--seed N]`.

The same seed gives the same bytes; without `--seed` the files are those that are shipped.
"""

import argparse
from pathlib import Path

from simulator import INCIDENTS


def main() -> None:
    """Write the chosen incidents, and print what is in them."""
    parser = argparse.ArgumentParser(description="Write the labelled sample incidents.")
    parser.add_argument("name", nargs="?", default="all", choices=["all", *INCIDENTS], help="which incident")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--seed", type=int, help="another run of the same system")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for incident in INCIDENTS.values():
        if options.name not in ("all", incident.name):
            continue
        seed = incident.seed if options.seed is None else options.seed
        written = incident.simulate(seed).write(options.out, incident.name)
        share = sum(written.causes.values()) / written.executions
        print(
            f"{incident.name}: {written.lines:,} lines, {written.executions:,} executions, "
            f"{sum(written.causes.values()):,} anomalous ({share:.1%}), {written.log.stat().st_size:,} bytes"
        )
        for cause, executions in written.causes.most_common():
            print(f"  {cause:<24}{executions:>5}")


if __name__ == "__main__":
    main()
