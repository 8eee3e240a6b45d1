"""What video/ is measured against, and the light players that measure all of them alike."""
