"""Laws in triggers that several tables share.

The tables that grow with every interval have no foreign keys: checked row by row at commit, they took as long as all
the rest of a large run. Triggers check the same once a statement, over the added rows as a set, and more than a key
can: run, transaction, account and party are of the row's own market. What they refer to is never deleted, so it stays
true: runs, transactions and accounts are append-only, and an account's foreign key holds its participant.
"""

import pgtrigger

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


def after_insert(name: str, func: str, declare: list[tuple[str, str]] | None = None) -> pgtrigger.Trigger:
    """A law over the rows that one statement added, COPY included."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),
        declare=declare,
        func=func,
    )


def belongs_to_run(name: str, *parties: str) -> pgtrigger.Trigger:
    """The run is of the row's market, and so is each party: it has an account there, opened before its results."""
    joins = "".join(
        f" LEFT JOIN settlement_ledgeraccount {party} ON {party}.market_id = x.market_id"
        f" AND {party}.kind = 'participant' AND {party}.participant_id = x.{party}_id"
        for party in parties
    )
    missing = "".join(f" OR {party}.id IS NULL" for party in parties)
    return after_insert(
        name,
        f"""
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT run_id, market_id{"".join(f", {p}_id" for p in parties)} FROM added) x
                LEFT JOIN settlement_settlementrun r ON r.id = x.run_id AND r.market_id = x.market_id{joins}
                WHERE r.id IS NULL{missing}
            ) THEN
                RAISE EXCEPTION 'a result names a run or a party that its market does not have'
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NULL;
        """,
    )
