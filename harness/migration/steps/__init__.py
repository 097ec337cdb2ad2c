"""The steps of the move, one line of the runbook a module."""
