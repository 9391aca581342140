"""`python -m config.screenshots FOLDER ADDRESS [--all]`: what `./run screenshots` starts once the demo runs."""

import os
import sys
import time
from pathlib import Path

from config.screenshots import ALL, FEW

PATIENCE_S = 1_200.0


def main(arguments: list[str]) -> int:
    """Exit status: 1 where a page could not be shown as it should."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # the browser's driver keeps an event loop in this thread
    django.setup()
    from config.screenshots.take import take

    folder, base = Path(arguments[0]), arguments[1]
    wait_for_months()
    wrong = take(folder, base, ALL if "--all" in arguments else FEW)
    sys.stdout.writelines(f"{each}\n" for each in wrong)
    sys.stdout.write(f"The pictures are in {folder}; index.html shows them all.\n")
    return 1 if wrong else 0


def wait_for_months() -> None:
    """Until the demo's past is filled in; after twenty minutes it goes on with what there is."""
    from config.screenshots.world import is_full

    deadline = time.monotonic() + PATIENCE_S
    if not is_full():
        sys.stdout.write("Waiting for the two months of the demo's past ...\n")
        sys.stdout.flush()
    while not is_full() and time.monotonic() < deadline:
        time.sleep(2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
