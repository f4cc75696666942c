"""The stages of the path from messages to messages, without ROS.

The nodes run them live, the lockstep runner from a bag. A stage decides what its output is worth
(state and reason) and takes no time but the one it is given, so the same messages in the same
order give the same messages, byte for byte.
"""
