"""Where an int8 model loses against its float model: operator by operator, on the same pictures.

Works on the two flatbuffers alone. Validation pictures are looked at; nothing is chosen by them.
"""
