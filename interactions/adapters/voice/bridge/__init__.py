"""Telephony platforms that tell by HTTP what happens in their calls."""
