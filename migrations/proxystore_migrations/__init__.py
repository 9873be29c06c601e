"""The history of proxystore's schema: one line of revisions for both databases."""
