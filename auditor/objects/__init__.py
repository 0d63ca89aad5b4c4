"""Objects in the stores of S3, Google Cloud and Azure.

The only room that imports obstore (extra ``cloud``), which asks the named bucket and nobody else.
"""

from auditor.objects.address import is_address
from auditor.objects.fetched import Fetched, RemoteFile

__all__ = ["Fetched", "RemoteFile", "is_address"]
