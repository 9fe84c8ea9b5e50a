"""Studies by simulation: scenarios from files, figures of runs, sets of rules compared. See docs/simulator.md."""
