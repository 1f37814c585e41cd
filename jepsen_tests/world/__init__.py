"""What workloads need of a world, and the runner for the world of real processes."""
