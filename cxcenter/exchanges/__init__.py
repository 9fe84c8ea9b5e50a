"""The lines to telephone exchanges: one process keeps them, hears what they tell, and does what they are asked."""
