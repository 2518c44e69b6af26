"""`run.py` alone: run the bundled workflows, check and measure them, make the gallery."""
