"""Plans 预案: what proposes a response level, who signs it, what a signature sets going and how it is taken back.

`settings` reads the configuration, `proposing` weighs the picture (pure), `response` and `task` are the streams of the ledger,
`effects` says what an act makes and undoes, `watching` and `reminding` are what the dispatch process does by itself.
"""
