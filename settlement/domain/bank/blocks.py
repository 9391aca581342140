"""A file of several statements: one account, each opening where the one before closed."""

from collections.abc import Sequence

from settlement.domain.bank.statement import BankStatement, Problems, refuse


def joined(blocks: Sequence[BankStatement]) -> BankStatement:
    """All of them as one. Raises BankFileError `several_accounts`, `several_currencies`, `statements_apart`,
    `balance_differs`."""
    if not blocks:
        raise refuse("no_statement", "The file has no statement in it.")
    problems = Problems()
    if len({block.account for block in blocks}) > 1:
        problems.add("several_accounts", "", "The file is of several accounts; download one file for each account.")
    if len({block.currency for block in blocks}) > 1:
        problems.add("several_currencies", "", "The file is in several currencies; only đồng (VND) can be booked.")
    for number, block in enumerate(blocks):
        _check_block(number, block, blocks[number - 1] if number else block, problems)
    problems.check()
    return BankStatement(
        format=blocks[0].format,
        currency=blocks[0].currency,
        account=blocks[0].account,
        opening_dong=blocks[0].opening_dong,
        closing_dong=blocks[-1].closing_dong,
        lines=tuple(line for block in blocks for line in block.lines),
    )


def _check_block(number: int, block: BankStatement, before: BankStatement, problems: Problems) -> None:
    place = f"statement {number + 1}"
    if block.opening_dong is None or block.closing_dong is None:
        problems.add("no_balance", place, "The statement has no opening or no closing balance, so it cannot be proved.")
        return
    if number and before.closing_dong is not None and before.closing_dong != block.opening_dong:
        told = "The statement does not open where the one before closed; one between them is missing."
        problems.add("statements_apart", place, told)
    off = block.opening_dong + sum(line.amount_dong for line in block.lines) - block.closing_dong
    if off:
        told = f"Opening balance and movements come to {off:,} đồng more than the closing balance"
        problems.add("balance_differs", place, f"{told}; lines are missing or doubled. Download the file again.")
