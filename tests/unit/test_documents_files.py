"""Files of documents: whole or not there, never twice, and what a crash leaves is mended."""

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from settlement.documents import files, providers
from settlement.documents.files import write_atomically
from settlement.documents.pdf import render_pdf
from settlement.documents.providers import EInvoiceProvider, FileDrop, ProviderError, Receipt
from settlement.documents.store import DocumentStore
from settlement.documents.xml import render_xml
from tests.documents import invoice, statement


class Stop(Exception):
    """The process dies here."""


def visible(folder):
    return sorted(path.name for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("."))


class TestAtomically:
    def test_replaces_in_one_step(self, tmp_path):
        place = tmp_path / "a" / "b.pdf"
        write_atomically(place, b"one")
        write_atomically(place, b"two")
        assert place.read_bytes() == b"two"
        assert visible(tmp_path) == ["b.pdf"]

    @pytest.mark.parametrize("step", ["fsync", "fdopen"])
    def test_a_failure_on_the_way_leaves_what_was_there(self, tmp_path, monkeypatch, step):
        place = tmp_path / "b.pdf"
        write_atomically(place, b"one")
        with monkeypatch.context() as broken:
            broken.setattr(os, step, lambda *_: (_ for _ in ()).throw(OSError("disk full")))
            with pytest.raises(OSError, match="disk full"):
                write_atomically(place, b"two")
        assert place.read_bytes() == b"one"
        assert [path.name for path in tmp_path.iterdir()] == ["b.pdf"]


class TestStore:
    def test_makes_once_and_keeps(self, tmp_path):
        store = DocumentStore(tmp_path)
        path = store.ensure(invoice())
        assert path.read_bytes() == render_pdf(invoice())
        path.write_bytes(b"as it was sent")
        assert store.ensure(invoice()).read_bytes() == b"as it was sent"

    def test_language_and_content_have_files_of_their_own(self, tmp_path):
        store = DocumentStore(tmp_path)
        paths = {store.path(invoice()), store.path(invoice(), "en"), store.path(invoice(saved_dong=1))}
        assert len(paths) == 3
        assert store.path(invoice(), "vi") == store.path(invoice())

    def test_many_goes_on_where_it_was_stopped(self, tmp_path):
        store = DocumentStore(tmp_path)
        documents = [invoice(number=number) for number in range(1, 8)]
        first = store.ensure_many(documents, processes=1)
        done = [next(first), next(first)]
        first.close()
        rest = list(store.ensure_many(documents, processes=2))
        assert len(rest) == 5
        assert {*done, *rest} == {store.path(document) for document in documents}
        assert list(store.ensure_many(documents)) == []


def _fill(folder, numbers):
    drop = FileDrop(folder)
    for number in numbers:
        document = invoice(number=number)
        drop.submit(document, render_xml(document))


class TestFileDrop:
    def submit(self, folder, document=None):
        document = document or invoice()
        return FileDrop(folder).submit(document, render_xml(document))

    def test_is_a_provider(self, tmp_path):
        provider: EInvoiceProvider = FileDrop(tmp_path)
        receipt = provider.submit(invoice(), render_xml(invoice()))
        assert provider.status(receipt).state == "delivered"

    def test_writes_file_and_line(self, tmp_path):
        receipt = self.submit(tmp_path)
        assert visible(tmp_path) == ["1C26TWB-00000128.xml", "manifest.jsonl"]
        assert (tmp_path / "1C26TWB-00000128.xml").read_bytes() == render_xml(invoice())
        assert invoice().digest() in (tmp_path / "manifest.jsonl").read_text()
        assert receipt.digest == invoice().digest()

    def test_again_is_the_same_receipt_and_no_second_file(self, tmp_path):
        first = self.submit(tmp_path)
        (tmp_path / "1C26TWB-00000128.xml").unlink()  # taken by the accounting program
        assert self.submit(tmp_path) == first
        assert visible(tmp_path) == ["manifest.jsonl"]
        assert (tmp_path / "manifest.jsonl").read_text().count("\n") == 1

    def test_another_invoice_with_the_number_is_refused(self, tmp_path):
        self.submit(tmp_path)
        with pytest.raises(ProviderError) as refused:
            self.submit(tmp_path, invoice(saved_dong=1))
        assert (refused.value.code, refused.value.again) == ("number_taken", False)
        assert (tmp_path / "1C26TWB-00000128.xml").read_bytes() == render_xml(invoice())

    def test_a_series_cannot_lead_out_of_the_folder(self, tmp_path):
        FileDrop(tmp_path / "box").submit(invoice(series="../../x"), b"<HDon/>")
        assert visible(tmp_path) == ["______x-00000128.xml", "manifest.jsonl"]

    def test_a_folder_that_cannot_be_written_says_so(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(ProviderError) as refused:
            self.submit(tmp_path / "file")
        assert (refused.value.code, refused.value.again) == ("outbox_unwritable", True)

    def test_what_was_never_put_there_is_unknown(self, tmp_path):
        status = FileDrop(tmp_path).status(Receipt("file-drop", "1C26TWB-00000001", "0", "0"))
        assert (status.state, status.message[:10]) == ("unknown", "1C26TWB-00")

    @pytest.mark.parametrize(
        "place", [(files, "sync_folder"), (providers, "sync_folder"), (providers.os, "fsync"), (files.os, "fsync")]
    )
    def test_a_crash_anywhere_is_mended_by_submitting_again(self, tmp_path, monkeypatch, place):
        self.submit(tmp_path, invoice(number=1))
        with monkeypatch.context() as broken:
            broken.setattr(*place, lambda *_: (_ for _ in ()).throw(Stop))
            with pytest.raises(Stop):
                self.submit(tmp_path, invoice(number=2))
        self.submit(tmp_path, invoice(number=2))
        assert visible(tmp_path) == ["1C26TWB-00000001.xml", "1C26TWB-00000002.xml", "manifest.jsonl"]
        assert (tmp_path / "manifest.jsonl").read_text().count("\n") == 2

    def test_half_a_line_at_the_end_is_no_line(self, tmp_path):
        self.submit(tmp_path, invoice(number=1))
        with (tmp_path / "manifest.jsonl").open("a") as manifest:
            manifest.write('{"digest": "a very long half of a line that a crash has left here' + "x" * 400)
        self.submit(tmp_path, invoice(number=2))
        self.submit(tmp_path, invoice(number=1))
        lines = (tmp_path / "manifest.jsonl").read_text().splitlines()
        assert ["00000001" in line or "00000002" in line for line in lines] == [True, True]

    def test_a_long_lived_drop_sees_what_others_wrote(self, tmp_path):
        mine = FileDrop(tmp_path)
        mine.submit(invoice(number=1), b"1")
        receipt = FileDrop(tmp_path).submit(invoice(number=2), b"2")
        assert mine.status(receipt).state == "delivered"
        (tmp_path / "manifest.jsonl").write_text("")
        assert mine.status(receipt).state == "unknown"

    def test_several_writers_at_once_write_each_invoice_once(self, tmp_path):
        writers = [threading.Thread(target=_fill, args=(tmp_path, range(1, 16))) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert len(visible(tmp_path)) == 16
        assert (tmp_path / "manifest.jsonl").read_text().count("\n") == 15

    def test_a_killed_process_leaves_no_half_file(self, tmp_path):
        process = multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path, range(1, 100_000)))
        process.start()
        while len(visible(tmp_path)) < 20 and process.is_alive():
            threading.Event().wait(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        process.close()
        written = list(tmp_path.glob("*.xml"))
        numbers = range(1, len(written) + 1)
        _fill(tmp_path, numbers)
        assert len(written) >= 19
        for number in numbers:
            assert (tmp_path / f"1C26TWB-{number:08}.xml").read_bytes() == render_xml(invoice(number=number))
        assert (tmp_path / "manifest.jsonl").read_text().count("\n") == len(written)


def test_a_statement_has_a_pdf_in_the_store(tmp_path):
    assert DocumentStore(tmp_path).ensure(statement()).read_bytes().startswith(b"%PDF")
