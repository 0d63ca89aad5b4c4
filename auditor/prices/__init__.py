"""Dated price books, the alias calendar, and the rate of a call. Imports only ``auditor.errors``.

``openai.csv`` holds the rates and ``names.csv`` the names that have no row of their own. A price
that changes is a new row; a row is never edited in place.
"""

from auditor.prices.book import STANDARD, Alias, Book, BookFile, Override, Row, combine
from auditor.prices.loader import book_of_contents, contents_of, load_book, load_names, open_book
from auditor.prices.names import Resolution, resolve
from auditor.prices.pricing import Priced, price, price_call

__all__ = [
    "STANDARD",
    "Alias",
    "Book",
    "BookFile",
    "Override",
    "Priced",
    "Resolution",
    "Row",
    "book_of_contents",
    "combine",
    "contents_of",
    "load_book",
    "load_names",
    "open_book",
    "price",
    "price_call",
    "resolve",
]
