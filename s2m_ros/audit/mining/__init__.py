"""Mining: from audit stores to an atlas of unknown objects.

store -> specimens (``meeting.py``) -> each instance once (``duplicates.py``) -> clusters and
novelty (``clusters.py``) -> pages, COCO, Parquet (``atlas.py``). ``jobs.py`` does the first step
for thousands of sources, ``docs/mining.md`` walks through it.
"""
