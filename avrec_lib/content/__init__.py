"""A clip becomes vectors: what its text says, its picture shows and its sound tells."""
