"""What every destination must do, whichever remote system it meets."""
