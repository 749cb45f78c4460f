"""The report's page: what it says, section by section, and what its scripts know."""
