"""`run.py pack` and `run.py unpack`: one zip of a workflow and its input files."""
