"""Why each step, finding, error and exit status is there: one page each, read from the texts that lie beside."""
