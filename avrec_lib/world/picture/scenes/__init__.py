"""One module a topic: what its picture shows."""
