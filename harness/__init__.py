"""walrus-ha: move a Eucalyptus 3.2 Walrus onto a DRBD-replicated pair, rehearsed before it is run."""

__version__ = "0.1.0"
