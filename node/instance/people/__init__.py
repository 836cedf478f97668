"""Who uses the instance, how they show it, and what they may see and do."""
