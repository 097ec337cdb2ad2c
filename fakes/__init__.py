"""Stand-ins for the programs that reach for the kernel or the cloud. Standard library only; see README.md."""
