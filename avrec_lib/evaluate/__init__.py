"""How good a recommender is, for whom, and how sure that is."""
