"""What a sweep shows: contact sheets, their labels, differences between cells."""
