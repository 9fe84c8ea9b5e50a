"""Record matching of the golden record: which records speak of one person. Pure: no Django."""
