"""Other precisions than static int8, each an explicit choice under a name of its own.

`kinds` names them, `conversion` makes the flatbuffer, `contents` says what is in it and what is not
int8, `proof` is what a compilation says about it.
"""
