"""Published weights: fetched and proven by their hash, opened without running code, matched."""
