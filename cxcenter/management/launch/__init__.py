"""Everything that runs the product on one machine: embedded servers, processes, their guardian."""
