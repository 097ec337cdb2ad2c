"""Places to run the engine: each gives it an inventory, and the trial two side doors."""
