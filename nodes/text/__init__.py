"""Text that several families draw or read: fonts, lettering, ranges of numbers, errors that point at a place."""
