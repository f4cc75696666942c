"""Scenarios of the simulator through the true stages, measured against what is really there.

A drive is rendered once and kept (``drives``), goes through the stages in lockstep (``loop``; what
perception said is kept too, ``memory``), and becomes rows: one for each real object at each
instant, one for each hazard (``rows``), with the stage at which an object was lost (``losses``).
All figures are counts and quantiles of these rows (``figures``).
"""
