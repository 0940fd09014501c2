"""Running an evaluation: configurations, segments of work, their results, the report."""
