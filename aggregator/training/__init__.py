"""Works the queue of trainings off: runs the factory as a child process, and lets the gate judge."""
