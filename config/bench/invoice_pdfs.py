"""How many invoice PDFs a second two processes make, next to as many empty pages.

The documents are a month of a market: most of them a tenant's invoice with two meters and a dozen lines, every tenth a
self-billing invoice, every fiftieth with more lines than a page holds; each has names, figures and a payment code of
its own, so nothing can be made once and used again. The baseline is the same pool and the same typst, asked for pages
with one number on them: what is left is what the invoice itself costs.

`WATTBOURSE_BENCH_INVOICES=10000` makes a month of 10,000 participants.
"""

import multiprocessing
import os
import random
import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from time import perf_counter
from typing import Any

from settlement.documents.pdf import empty_page, render_many
from settlement.domain.document import DocumentLine, InvoiceDocument, Party, RegisterLine, VatSum

TITLE = "Invoices as PDF: a second by two processes, next to empty pages"

COUNT = 1_500
PROCESSES = 2
SEED = 20_261_121
MONTH, END, ISSUED, DUE = date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 6), date(2026, 11, 21)
OPERATOR = Party(
    "OP", "Đơn vị vận hành khu công nghiệp Mỹ Phước", "3701234567", "Bến Cát, Thành phố Hồ Chí Minh",
    "hoadon@example.vn", "0274 222 0341", "Vietcombank", "970436", "0281000123456",
)  # fmt: skip


def run() -> dict[str, Any]:
    """PDFs a second from the first document asked for to the last PDF in hand, the start of the processes included."""
    count = int(os.environ.get("WATTBOURSE_BENCH_INVOICES", COUNT))
    start, worked = perf_counter(), _processor_seconds()
    sizes = [len(pdf) for _, pdf in render_many(documents(count), processes=PROCESSES)]
    seconds, worked = perf_counter() - start, _processor_seconds() - worked
    bare = empty_pages(count)
    return {
        "name": "invoice_pdfs",
        "value": round(count / seconds, 1),
        "unit": "PDFs/s",
        "baseline": round(count / bare, 1),
        "ratio": round(bare / seconds, 3),
        "conditions": {
            "baseline_is": "pages with one number on them, same count, same pool, same typst",
            "documents": count,
            "processes": PROCESSES,
            "milliseconds_a_pdf_and_process": round(seconds / count * PROCESSES * 1_000, 1),
            "processor_milliseconds_a_pdf": round(worked / count * 1_000, 1),
            "minutes_for_10000": round(seconds / count * 10_000 / 60, 2),
            "target_minutes_for_10000": 5,
            "kilobytes_a_pdf": round(sum(sizes) / count / 1_000, 1),
            "memory_mb_of_the_largest_process": round(_largest_memory_mb()),
        },
    }


def empty_pages(count: int) -> float:
    """Seconds for `count` nearly empty pages by as many processes."""
    start = perf_counter()
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        made = sum(1 for _ in pool.map(empty_page, range(count)))
    if made != count:
        raise AssertionError(f"Of {count} empty pages only {made} were made.")
    return perf_counter() - start


def documents(count: int) -> Iterator[InvoiceDocument]:
    """Seeded documents, made as they are asked for."""
    chance = random.Random(SEED)
    for number in range(1, count + 1):
        lines = 70 if number % 50 == 0 else chance.randint(8, 14)
        yield _document(chance, number, lines, self_bill=number % 10 == 0)


def _document(chance: random.Random, number: int, count: int, *, self_bill: bool) -> InvoiceDocument:
    sign = -1 if self_bill else 1
    lines = tuple(_line(chance, position, sign) for position in range(1, count + 1))
    net = sum(line.amount_dong for line in lines)
    vat = net * 8 // 100
    member = Party(
        f"T{number}", f"Công ty TNHH số {number}", f"37{number:08}", f"Lô {number}, Mỹ Phước 3", "", "", "BIDV"
    )
    return InvoiceDocument(
        market_code="MP3",
        market_name="Mỹ Phước 3",
        kind="self_bill" if self_bill else "invoice",
        relation="original",
        refers_to=None,
        reason="",
        series="1C26TWB",
        number=number,
        issued_on=ISSUED,
        due_on=DUE,
        month=MONTH,
        timezone="Asia/Ho_Chi_Minh",
        language="vi" if number % 4 else "en",
        seller=member if self_bill else OPERATOR,
        buyer=OPERATOR if self_bill else member,
        metering_point="",
        registers=tuple(_register(chance, number, direction) for direction in ("import", "export")),
        lines=lines,
        vat=(VatSum(800, net, vat),),
        net_dong=net,
        vat_dong=vat,
        total_dong=net + vat,
        saved_dong=chance.randint(-100_000, 5_000_000),
        payable=True,
        payment_reference=f"WB1C26TWB{number}",
    )


def _line(chance: random.Random, position: int, sign: int) -> DocumentLine:
    kind = ("local_bought", "pool_bought", "grid_import", "grid_import", "network_fee", "platform_fee")[position % 6]
    if sign < 0:
        kind = ("local_sold", "pool_sold", "grid_export")[position % 3]
    wh, price = chance.randint(1_000, 90_000_000), chance.randint(600, 3_500)
    period = ("peak", "normal", "offpeak")[position % 3] if kind == "grid_import" else ""
    since, until = (MONTH, END) if chance.random() < 0.7 else (date(2026, 10, 5), date(2026, 10, 19))
    return DocumentLine(position, kind, period, None, None, since, until, wh, price, sign * wh * price // 1_000, 800)


def _register(chance: random.Random, number: int, direction: str) -> RegisterLine:
    old, energy = chance.randint(0, 10**9), chance.randint(0, 10**8)
    return RegisterLine(f"MP-{number}", f"EMH-{number:06}", 200, direction, MONTH, END, old, old + energy, energy)


def _processor_seconds() -> float:
    """What this process and its finished children have worked: says more than the clock where others work too."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _largest_memory_mb() -> float:
    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kilobytes / 1_000
