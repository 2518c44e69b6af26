"""What ships with Steer, so that every workflow runs at once: pictures and the embedded model."""
