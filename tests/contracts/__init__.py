"""What every destination must do, whichever far side it meets."""
