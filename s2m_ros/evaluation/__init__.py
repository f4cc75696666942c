"""Metrics of anomaly scores and masks, data sets in their official layouts, benchmark tables."""
