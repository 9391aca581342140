"""Handing invoices to a licensed e-invoice provider, who signs them and gets the tax authority's code.

A provider is anything with `submit` and `status`. Both may be repeated at any time: an invoice is known by its digest,
and the same one submitted twice gives the same receipt and is issued once. `FileDrop` is the provider of everybody
whose accounting program takes files from a folder.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

from settlement.documents.files import sync_folder, write_atomically
from settlement.domain.document import InvoiceDocument

State = Literal["delivered", "accepted", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a provider has an invoice. `key` is the provider's name for it, `digest` the document's SHA-256."""

    provider: str
    key: str
    digest: str
    xml_sha256: str


@dataclass(frozen=True, slots=True)
class Status:
    """What became of it. `authority_code` is the tax authority's, once there is one."""

    state: State
    authority_code: str = ""
    message: str = ""


class ProviderError(Exception):
    """A provider did not take an invoice. `code` says why; `again`: trying later may help."""

    def __init__(self, code: str, message: str, *, again: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.again = again


class EInvoiceProvider(Protocol):
    """What every provider must do. Both raise ProviderError."""

    def submit(self, document: InvoiceDocument, xml: bytes) -> Receipt:
        """Hand over an invoice; the same document again gives the same receipt and no second invoice."""

    def status(self, receipt: Receipt) -> Status:
        """What became of an invoice that was handed over."""


class FileDrop:
    """Writes `<series>-<number>.xml` into a folder, and a line for each into `manifest.jsonl`.

    The manifest is the truth: a line is written after its file is safely on disk, so every invoice in it had a whole
    file. A crash between the two is mended by the next `submit`. A file that the accounting program has taken away is
    not written again, for its line is there. One writer at a time; others wait. One folder is for one seller.
    """

    name = "file-drop"
    MANIFEST = "manifest.jsonl"

    def __init__(self, outbox: Path) -> None:
        self.outbox = Path(outbox)
        self._known: dict[str, Receipt] = {}
        self._read_to = 0

    def submit(self, document: InvoiceDocument, xml: bytes) -> Receipt:
        """Raises ProviderError: `number_taken` (another invoice has this number), `outbox_unwritable`."""
        receipt = Receipt(self.name, _key(document), document.digest(), hashlib.sha256(xml).hexdigest())
        try:
            with self._locked():
                return self._submit(receipt, xml)
        except OSError as problem:
            message = f"The folder {self.outbox} cannot be written ({problem.strerror}); check it, then submit again."
            raise ProviderError("outbox_unwritable", message, again=True) from problem

    def _submit(self, receipt: Receipt, xml: bytes) -> Receipt:
        known = self._manifest().get(receipt.key)
        if known is not None and known != receipt:
            raise ProviderError("number_taken", f"Another invoice was handed over as {receipt.key} already.")
        if known is None:
            write_atomically(self.outbox / f"{receipt.key}.xml", xml)
            self._append(receipt)
        return receipt

    def status(self, receipt: Receipt) -> Status:
        """`delivered` if the manifest has it. A folder knows no more than that."""
        if self._manifest().get(receipt.key) == receipt:
            return Status("delivered")
        return Status("unknown", message=f"{receipt.key} was never put into {self.outbox}.")

    def _manifest(self) -> dict[str, Receipt]:
        """All receipts by key; reads only what was added since. A last line that a crash cut off is no line."""
        path = self.outbox / self.MANIFEST
        size = path.stat().st_size if path.exists() else 0
        if size < self._read_to:  # another file stands in its place
            self._known, self._read_to = {}, 0
        if size > self._read_to:
            with path.open("rb") as file:
                file.seek(self._read_to)
                added = file.read()
            whole = added[: added.rfind(b"\n") + 1]
            self._known |= {row["key"]: Receipt(**row) for row in map(json.loads, whole.splitlines())}
            self._read_to += len(whole)
        return self._known

    def _append(self, receipt: Receipt) -> None:
        """Add a line behind the last whole one: what a crash left of another goes."""
        line = json.dumps(asdict(receipt), sort_keys=True).encode() + b"\n"
        handle = os.open(self.outbox / self.MANIFEST, os.O_RDWR | os.O_CREAT, 0o640)
        with os.fdopen(handle, "rb+") as file:
            file.truncate(self._read_to)
            file.seek(self._read_to)
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.outbox)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.outbox.mkdir(parents=True, exist_ok=True)
        with (self.outbox / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _key(document: InvoiceDocument) -> str:
    """`1C26TWB-00000128`. Whatever could lead out of the folder becomes an underscore."""
    return f"{re.sub(r'[^0-9A-Za-z_]', '_', document.series)}-{document.number:08}"
