"""What the trainings learn from: drawn scenes on disk, their latents, hints and captions, and the judges' own."""
