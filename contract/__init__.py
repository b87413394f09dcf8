"""What the node and the aggregator agree on: topics, messages, commands and the bundle.

A leaf: the standard library and one CBOR codec, nothing else; only ``contract.codec``, which nothing here
imports, needs numpy.
"""
