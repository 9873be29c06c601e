"""Tests of `proxystore.database`."""
