"""Sweeps that are followed while they are collected: their workers, what is known of them, and what pages are told."""
