"""What stands on the hosts, one noun a module: build a Command, parse its Result into frozen dataclasses."""
