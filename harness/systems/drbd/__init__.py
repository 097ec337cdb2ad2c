"""DRBD: its configuration, its states, its grammar in three generations."""
