"""The detectors' networks: their files, where they lie, how they are read and remade."""
