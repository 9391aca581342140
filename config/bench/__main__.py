"""`python -m config.bench [NAME]`: list the benchmarks, or run one and print its result as one JSON object.

Whatever else is said goes to standard error.
"""

import json
import sys
from contextlib import redirect_stdout

from . import BenchmarkError, measure, titles


def main(arguments: list[str]) -> int:
    """Exit status."""
    if not arguments:
        width = max(len(name) for name in titles())
        sys.stdout.writelines(f"{name:{width}}  {title}\n" for name, title in titles().items())
        return 0
    try:
        with redirect_stdout(sys.stderr):
            result = measure(arguments[0])
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
