"""Other precisions than static int8, each an explicit choice under a name of its own.

`kinds` names them, `conversion` makes the flatbuffer, `contents` says what is in it and what is not
int8, `compilation` proves and packs it as the int8 model is.
"""
