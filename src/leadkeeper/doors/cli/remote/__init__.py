"""Working on another machine's installation: which one is meant, how it is asked, what its refusals mean."""
