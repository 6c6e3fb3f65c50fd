"""Knowledge that several users share."""
