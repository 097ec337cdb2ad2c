"""Every fault at every command: one run of the engine is broken wherever it can be, and each trial is judged."""
