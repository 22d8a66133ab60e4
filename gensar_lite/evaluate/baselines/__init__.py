"""Trivial and classic rankers that every table must show.

Each is fitted on ``split.train`` alone and reads at most the history that ``Histories`` gives. All have ``name``,
``trained_on``, ``scores(cases) -> (B, N)`` and, where they say so, ``tasks`` and ``notes`` (see ``protocol.Ranker``).
"""
