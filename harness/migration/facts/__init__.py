"""Facts of a site: what a rehearsal of it needs, collected by looking, without names of objects and without secrets."""
