"""What a sweep leaves on disk: pictures, manifest, viewer; and how cells are chosen from it."""
