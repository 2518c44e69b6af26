"""The embedded demonstration model: what it was taught (scenes), how, and its weights."""
