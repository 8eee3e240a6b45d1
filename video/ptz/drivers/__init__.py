"""One module per protocol that cameras are turned by."""
