"""What was delivered is compared with what is there; what is missing is listed, and sent again."""
