"""The only input and output towards machines."""
