"""Record matching of the golden record: which records speak of one person. Pure: no Django.

A batch: `dedupe.dedupe(people)`. Online: `keys.keys(person)` finds candidates by an indexed column, `score.score(model,
person, candidates)` weighs them, `score.explain(model, one, other)` says why. The model comes from `train.train(people)` and is
kept as `to_dict()`. What can be set stands in `settings`.
"""
