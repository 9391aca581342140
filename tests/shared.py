"""Where the shared measurements and vectors are: WATTBOURSE_SHARED, or the folder `shared` beside the repository.

They are not part of the repository (their licences and their size forbid it), so a test that needs them is skipped
where they are absent, with a sentence that says what to set.
"""

import os
import sys
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[2] / "shared"


class SharedDataError(FileNotFoundError):
    """The shared folder, or the file in it, is not there."""


def shared_path(relative: str) -> Path:
    """The path of a shared file or folder, such as `data/vn_tariff`. Skips the running test where it is absent."""
    path = Path(os.environ.get("WATTBOURSE_SHARED") or BESIDE) / relative
    if path.exists():
        return path
    told = f"{path} is not there; set WATTBOURSE_SHARED to the folder that holds the shared data."
    if "pytest" in sys.modules:
        import pytest

        pytest.skip(told, allow_module_level=True)
    raise SharedDataError(told)
