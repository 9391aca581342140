"""`python -m config.embedded COMMAND …` runs a command with the servers up and their addresses in its environment."""

import os
import subprocess
import sys
from pathlib import Path

from . import EmbeddedError, connect_or_start, servers_by_setting


def main(command: list[str]) -> int:
    """Exit status of the command."""
    if servers_by_setting(os.environ):
        return subprocess.run(command, check=False).returncode
    home = Path(os.environ.get("WATTBOURSE_HOME") or Path(__file__).resolve().parents[2] / "var")
    with connect_or_start(home, say=lambda text: print(text, file=sys.stderr)) as servers:  # noqa: T201  (its voice)
        return subprocess.run(command, env=os.environ | servers.environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EmbeddedError as error:
        sys.exit(str(error))
