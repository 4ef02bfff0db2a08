"""One file a promise: see `bench.safety` for what each defines."""
