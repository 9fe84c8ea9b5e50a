"""Reaching customers first: funnels, campaigns, scenarios. Its first models come with campaigns."""
