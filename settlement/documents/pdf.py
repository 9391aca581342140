"""PDFs of documents, set by typst: the same document gives the same bytes, on any machine and in any year.

That holds because nothing from outside goes in: the fonts are those inside typst (Libertinus Serif, which has every
Vietnamese letter and the đồng sign), the PDF's date is the day of issue, and no system font is looked at.

One compiler is kept per process, so that fonts and the page template are read once: a PDF then takes milliseconds. The
data goes in as text of the main file, not as `sys.inputs`, for typst throws away all it remembers when those change.
"""

import json
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import Any

import typst

from settlement.documents.texts import paper_language
from settlement.documents.view import view
from settlement.domain.document import InvoiceDocument

TEMPLATES = Path(__file__).parent / "templates"
FONT = "Libertinus Serif"
_AHEAD = 16  # documents under way per process: enough to keep each busy, few enough to hold little


def render_pdf(document: InvoiceDocument, language: str | None = None) -> bytes:
    """The document on A4, in its own language or another of `texts.LANGUAGES`. Raises UnknownLanguage."""
    source, timestamp = _source(document, language)
    pdf = _compiler().compile(input=source, format="pdf", timestamp=timestamp)
    assert isinstance(pdf, bytes)
    return pdf


def render_png(document: InvoiceDocument, language: str | None = None, *, ppi: int = 110) -> list[bytes]:
    """The pages as pictures, for a preview."""
    source, timestamp = _source(document, language)
    pages = _compiler().compile(input=source, format="png", ppi=ppi, timestamp=timestamp)
    return pages if isinstance(pages, list) else [pages] if pages else []


def render_many(
    documents: Iterable[InvoiceDocument], language: str | None = None, *, processes: int = 2
) -> Iterator[tuple[InvoiceDocument, bytes]]:
    """Each document with its PDF, in order, made by `processes` of them. Takes from `documents` as it goes, so memory
    does not grow with their number. Raises what `render_pdf` raises, at the document that caused it.

    In a process that may not have children (a Celery prefork worker) everything is made right here.
    """
    if processes < 2 or multiprocessing.current_process().daemon:
        yield from ((document, render_pdf(document, language)) for document in documents)
        return
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads and connections would share them
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        under_way: deque[tuple[InvoiceDocument, Future[bytes]]] = deque()
        try:
            for document in documents:
                under_way.append((document, pool.submit(render_pdf, document, language)))
                if len(under_way) >= _AHEAD * processes:
                    yield _done(under_way)
            while under_way:
                yield _done(under_way)
        finally:
            pool.shutdown(cancel_futures=True)


def _done(under_way: deque[tuple[InvoiceDocument, Future[bytes]]]) -> tuple[InvoiceDocument, bytes]:
    document, pdf = under_way.popleft()
    return document, pdf.result()


def empty_page(number: int) -> bytes:
    """A page with one number on it: the least that typst can be asked for, against which invoices are measured."""
    pdf = _compiler().compile(input=str(number).encode(), format="pdf", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    assert isinstance(pdf, bytes)
    return pdf


@cache
def _compiler() -> typst.Compiler:
    return typst.Compiler(root=TEMPLATES, ignore_system_fonts=True)


def _source(document: InvoiceDocument, language: str | None) -> tuple[bytes, datetime]:
    """The main file, which is the template's name and the data, and the moment the PDF carries."""
    data = view(document, paper_language(language or document.language))
    on = document.issued_on or document.month
    source = f'#import "/document.typ": paper\n#paper(json(bytes({_quoted(data)})))\n'
    return source.encode(), datetime.combine(on, time(0), UTC)


def _quoted(data: dict[str, Any]) -> str:
    """The data as JSON inside a typst string. JSON has escaped control characters; typst escapes two signs more."""
    escaped = json.dumps(data, ensure_ascii=False).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
