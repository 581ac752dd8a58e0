"""Options that several commands share, in groups: each is a frozen value with the user's choice.

A command takes a group as one parameter; `commands/_framework/option_groups.py` makes options of
its fields. What the command calls takes the same value.
"""
