"""The life of an attempt as named hooks, small observers that each see to one concern, and how it is settled."""
