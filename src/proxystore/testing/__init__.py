"""What tests need that are about proxystore: ours, and those of plugins."""
