"""Commands of the product: up, seed_demo, replay and their rooms."""
