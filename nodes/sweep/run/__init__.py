"""Making the cells of a sweep: sampling, saving, progress."""
