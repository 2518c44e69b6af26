"""What a sweep makes: axes become cells, each with its settings and its key."""
