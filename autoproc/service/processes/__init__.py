"""Processes of the program: begun, told from all others, ended with it, and what they may use of the machine."""
