"""How fast the core is, next to what else computes the same: ``make bench``.

``contenders.py`` is who computes, ``timing.py`` is how it is timed, ``tables.py`` is what is asked.
"""
