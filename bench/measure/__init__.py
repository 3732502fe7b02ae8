"""How a figure is taken: turns and times, fresh processes, peers, the machine, the record."""
