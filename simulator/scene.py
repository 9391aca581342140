"""Scene folders on disk: the files become bytes here, and a `Scene` in the domain.

A file may be gzipped (`readings.csv.gz`). Having it both ways is a fault, since nobody could say which one counted.
"""

import gzip
import zlib
from pathlib import Path

from simulator.domain.scene import OPTIONAL_FILES, REQUIRED_FILES, Scene, SceneError, SceneRejected, parse_scene


def load_scene(folder: Path) -> Scene:
    """Read a scene folder. Raises `SceneRejected` with every fault found; nothing is written anywhere."""
    return parse_scene(read_scene_files(folder))


def read_scene_files(folder: Path) -> dict[str, bytes]:
    """The folder's files, unpacked, by name without .gz. Raises `SceneRejected` where one cannot be read."""
    if not folder.exists():
        raise _rejected(str(folder), "no_such_folder", "There is nothing here; name the folder that holds scene.toml.")
    if not folder.is_dir():
        raise _rejected(str(folder), "not_a_folder", "This is a file; name the folder that holds scene.toml.")
    read = {name: _read(folder, name) for name in REQUIRED_FILES + OPTIONAL_FILES}
    return {name: content for name, content in read.items() if content is not None}


def _read(folder: Path, name: str) -> bytes | None:
    plain, packed = folder / name, folder / f"{name}.gz"
    if plain.exists() and packed.exists():
        raise _rejected(name, "file_twice", f"There is {name} and {name}.gz; remove one of them.")
    try:
        if packed.exists():
            return gzip.decompress(packed.read_bytes())
        return plain.read_bytes() if plain.exists() else None
    except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
        told = f"The gzip file is damaged ({problem}); make it again."
        raise _rejected(f"{name}.gz", "broken_gzip", told) from problem
    except OSError as problem:
        raise _rejected(
            name, "unreadable_file", f"It cannot be read ({problem.strerror}); check its rights."
        ) from problem


def _rejected(file: str, code: str, message: str) -> SceneRejected:
    return SceneRejected((SceneError(file, None, None, code, message),))
