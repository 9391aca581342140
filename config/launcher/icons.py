"""The app's icons as PNG, drawn from the SVG files in the repository, for systems that take no SVG.

`icon-192.png` keeps the round corners; `maskable-192.png` fills the square, with the sign in its middle, since each
system cuts its own shape out of it. Run as a program with the product's own Python, for typst draws them.
"""

from pathlib import Path

from .paths import REPOSITORY

PORTAL = REPOSITORY / "portal" / "static" / "portal"
FOLDER = PORTAL / "icons"
SOURCES = {"icon": PORTAL / "favicon.svg", "maskable": PORTAL / "icon-maskable.svg"}
PIXELS = (192, 512)
POINTS_PER_INCH = 72.0  # one point of the page becomes one pixel


def missing() -> list[tuple[Path, Path, int]]:
    """Source, target and width of each icon that is not there, or older than its source."""
    wanted = [(source, FOLDER / f"{name}-{width}.png", width) for name, source in SOURCES.items() for width in PIXELS]
    return [each for each in wanted if not each[1].exists() or each[1].stat().st_mtime < each[0].stat().st_mtime]


def draw(source: Path, target: Path, width: int) -> None:
    """Write one icon; half a file never stands under its name."""
    import typst

    size = f"width: {width}pt, height: {width}pt"
    page = f'#set page({size}, margin: 0pt, fill: none)\n#image("{source.name}", width: 100%)'
    compiler = typst.Compiler(root=str(source.parent))
    drawn = compiler.compile(page.encode(), format="png", ppi=POINTS_PER_INCH)
    assert isinstance(drawn, bytes)  # one page; several would be a list
    target.parent.mkdir(exist_ok=True)
    beside = target.with_suffix(".part")
    beside.write_bytes(drawn)
    beside.replace(target)


if __name__ == "__main__":
    for each in missing():
        draw(*each)
