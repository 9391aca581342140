"""Where PDFs lie: a plain folder, one file per document and language, named by the document's digest.

The name is the content's: a document that changed in one letter has another digest and so another file, and what was
once sent to a customer stays as it was, also after the page design has changed. Files are spread over 256 folders by
their first two digits; each is there whole or not at all.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from settlement.documents.files import write_atomically
from settlement.documents.pdf import render_many, render_pdf
from settlement.documents.texts import paper_language
from settlement.domain.document import InvoiceDocument


class DocumentStore:
    """PDFs under `root`. Any number of processes may use one folder at once: they would write the same bytes."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def path(self, document: InvoiceDocument, language: str | None = None) -> Path:
        """Where the PDF is, or will be. Raises UnknownLanguage."""
        digest, chosen = document.digest(), paper_language(language or document.language)
        return self.root / digest[:2] / f"{digest[2:]}-{chosen}.pdf"

    def ensure(self, document: InvoiceDocument, language: str | None = None) -> Path:
        """The path of the document's PDF, which is made now if it is not there."""
        path = self.path(document, language)
        if not path.exists():
            write_atomically(path, render_pdf(document, language))
        return path

    def ensure_many(
        self, documents: Iterable[InvoiceDocument], language: str | None = None, *, processes: int = 2
    ) -> Iterator[Path]:
        """Make the PDFs that are missing, several at once, and yield the path of each that was made.

        After a crash it goes on with what is still missing. Memory does not grow with the number of documents.
        """
        missing = (document for document in documents if not self.path(document, language).exists())
        for document, pdf in render_many(missing, language, processes=processes):
            path = self.path(document, language)
            write_atomically(path, pdf)
            yield path
