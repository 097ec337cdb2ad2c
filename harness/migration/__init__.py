"""The engine: a plan of steps, a journal, and the only loop."""
