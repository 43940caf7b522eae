"""What the program does in a second, measured on this machine beside what the machine itself can do."""
