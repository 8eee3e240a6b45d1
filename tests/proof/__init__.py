"""Proofs on real input: what they measure and how each word is meant is in docs/PROOF-FLOODS.md. `python -m tests.proof NAME`."""
