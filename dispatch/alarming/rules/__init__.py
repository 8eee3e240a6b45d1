"""Kinds of rules, one file each: a module that defines `RULE` (dispatch/alarming/kind.py) is one."""
