"""The subcommands of ``model-build``, a file each: HELP, ``add`` its options, ``run`` it.

TensorFlow takes seconds to import, and ``--help`` should not: a command imports what it needs when it runs.
"""
