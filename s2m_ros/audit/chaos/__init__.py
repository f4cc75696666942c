"""The fault bench: a drive with faults put into it, and what the pipeline says meanwhile.

``faults`` are changes of a stream of messages, ``stream`` lays them over a bag, so that lockstep
and live replay both run them; ``verdict`` judges what came out.
"""
