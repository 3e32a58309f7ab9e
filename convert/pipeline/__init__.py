"""From a folder of pictures to a wheel: the commands of the desk, one after the other."""
