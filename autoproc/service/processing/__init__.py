"""One job: worked through by a process of its own, its results put in their place whole."""
