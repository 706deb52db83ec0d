"""The verbs: one module a stage; a model of its parameters, a pure function, a result."""
