"""What it costs: each module is run as ``python -m benchmarks.<name>``."""
