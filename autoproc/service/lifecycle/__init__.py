"""The life of an attempt as named hooks, and small observers that each see to one concern."""
