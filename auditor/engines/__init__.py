"""Where logs are read and calls are scanned, if not in this process.

The embedded engine is no module here: it is what happens when nobody names another. Only quantities
leave this house: sources are read, duplicates dropped and tokens added up elsewhere, by the very
code of this process; what it all costs is reckoned here.
"""
