"""Decisions judged by what comes of them: whole days of real orders against published results and lower bounds."""
