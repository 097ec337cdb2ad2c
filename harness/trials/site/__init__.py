"""A site's twin: scenarios whose start is derived from the facts of a real site, scaled."""
