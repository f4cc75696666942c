"""Objects of one instant become tracks over time."""
