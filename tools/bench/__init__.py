"""`make bench`: what the service takes in time, memory and money, measured as it ships."""
