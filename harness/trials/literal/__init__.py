"""The negative control: an operator who types the vendor's text line by line, and the next whatever the last one said.

It is part of the trials and never of the migration. ``runbook`` holds the lines, ``operator`` types them.
"""
