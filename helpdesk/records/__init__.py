"""Everything that is remembered. No Flask, no machine learning."""

from helpdesk.records import running_tables, tables

__all__ = ["running_tables", "tables"]
