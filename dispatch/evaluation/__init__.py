"""Evaluation 综合评价: per-case 0/1 columns, rates as sums of them, and the way back from every figure to its cases.

`record` makes one row per case (pure), `columns` says which columns it has at a moment (pure), `kpis` reads what a city
wants to see, `store` keeps the rows in `evaluation.db`, `keeper` keeps them up to date in the dispatch process,
`evaluator` answers questions in the web process, `export` writes tables for Excel. docs/EVALUATION.md says what each means.
"""
