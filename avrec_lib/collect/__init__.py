"""From the platform to tables: a polite crawler, an API client, an event log, real data sets by name."""
