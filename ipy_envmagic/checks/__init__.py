"""Is a requirement usable here? One small rule for each cause."""
