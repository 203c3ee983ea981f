"""Checks the recipes in this folder as far as that goes without a cluster: `make check-deploy`."""
