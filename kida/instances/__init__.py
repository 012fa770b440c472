"""The problems: families of mixed-integer programs, drawn by number or read from files.

``kida.instances.family`` has the interface; each family is a file of its own.
"""
