"""Commands for those who work on Steer: tests, benchmarks, reports, workflows, training."""
