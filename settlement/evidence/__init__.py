"""The evidence pack: a tenant's green energy of a period as files that anybody can check without us."""

from settlement.evidence.pack import Pack, build_pack, write_folder, write_zip
from settlement.evidence.verify_pack import Unreadable, verify

__all__ = ["Pack", "Unreadable", "build_pack", "verify", "write_folder", "write_zip"]
