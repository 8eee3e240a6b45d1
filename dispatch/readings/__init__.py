"""What the alarm engine heard in the last days, kept so that changed rules can be tried on it."""
