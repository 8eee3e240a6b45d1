"""The case file 案卷: what the hall decides about one case, as a pure core. `table` says which moves there are,
`decide` what one writes, `fold` what entries add up to, `allowed` what a person may do now. No clock, no I/O; rules come
in as `CaseRules`."""

from dispatch.casefile.aggregate import CaseFiles
from dispatch.casefile.model import CaseFile
from dispatch.casefile.rules import CaseRules

__all__ = ["CaseFile", "CaseFiles", "CaseRules"]
