"""Dated price books, the alias calendar, and the rate of a call. Imports only ``auditor.errors``.

``openai.csv`` holds the rates and ``names.csv`` the names that have no row of their own. A price
that changes is a new row; a row is never edited in place.
"""

from auditor.prices.agreement import Agreement, compare
from auditor.prices.book import STANDARD, Alias, Book, BookFile, Override, Row, combine
from auditor.prices.genai import Package, read_package
from auditor.prices.loader import book_of_contents, contents_of, load_book, load_names, open_book
from auditor.prices.names import Resolution, resolve
from auditor.prices.pricing import Priced, price, price_call
from auditor.prices.writing import book_text

__all__ = [
    "STANDARD",
    "Agreement",
    "Alias",
    "Book",
    "BookFile",
    "Override",
    "Package",
    "Priced",
    "Resolution",
    "Row",
    "book_of_contents",
    "book_text",
    "combine",
    "compare",
    "contents_of",
    "load_book",
    "load_names",
    "open_book",
    "price",
    "price_call",
    "read_package",
    "resolve",
]
