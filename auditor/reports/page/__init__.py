"""The page to look at, and its charts as pictures."""

from auditor.reports.page.document import KINDS, page_of, pictures_of
from auditor.reports.page.drawing import check_installed
from auditor.reports.page.parts import REPORTS

__all__ = ["KINDS", "REPORTS", "check_installed", "page_of", "pictures_of"]
