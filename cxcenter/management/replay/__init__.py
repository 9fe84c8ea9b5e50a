"""Replay of real talks through the real doors: visitors over the widget's protocol, operators over the desk's.

Both sides keep their own copy of each thread as their pages do, and what the copies hold at the end is the score.
"""
