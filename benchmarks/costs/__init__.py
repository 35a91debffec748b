"""What a month costs: list prices, a fleet of agents, and the bill that both make."""
