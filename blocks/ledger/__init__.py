"""The ledger: what each test did before, per app and layer."""

from blocks.ledger.block import Ledger
from blocks.ledger.book import Book, Known, Proof, Ran, Record

__all__ = ["Book", "Known", "Ledger", "Proof", "Ran", "Record"]
