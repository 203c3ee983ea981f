"""How the ledger's tables came to be, version by version. In the package: an installed program migrates itself."""

# The newest version; a test compares it with the versions that stand beside it.
NEWEST = "0004"
