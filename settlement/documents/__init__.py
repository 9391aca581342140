"""The paper: every form of an issued document, made from its frozen value and nothing else.

Imports `settlement.domain` and `units` only: no Django, no database, no clock. So any form of any document can be made
again years later from its stored bytes. The reader's language is the document's own, not that of whoever asks.
"""
