"""Crews: who can be sent, what each is doing, where it is, and who should go."""
