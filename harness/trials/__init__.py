"""Rehearsals: a scenario says what to break, a trial runs it in a lab, a sweep runs many."""
