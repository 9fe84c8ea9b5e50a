"""The bridge to telephony platforms: they tell by HTTP what happens in their calls, and are told what operators press."""
