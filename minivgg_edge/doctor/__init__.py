"""Does this machine fit, what is broken, and what to type next: facts, then checks, then findings.

Facts are read once, in a frozen record (`facts`), so that the checks are pure functions of it and
can be tried on machines that do not exist. Nothing here needs numpy or a runtime: both are imported
in child processes only, because a broken one may kill the process that imports it.
"""
