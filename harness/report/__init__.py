"""Reports: one model of what was judged or found, and a renderer for each reader."""
