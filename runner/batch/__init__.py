"""`run.py queue`: workflows as jobs, the servers that take them, the results."""
