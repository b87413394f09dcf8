"""Frames as few bytes, and frames as sound again: what a node sends while somebody listens to it.

The only part of the contract that needs numpy. Bytes are exact on every machine, for they come from whole
numbers alone; sound is made from float numbers and may differ in its last bit.
"""
