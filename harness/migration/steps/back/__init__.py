"""The steps of the reverse move: from the pair back to the original alone, with all that was written since."""
