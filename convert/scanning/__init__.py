"""What lies in a folder of pictures and what is wrong with it, before anything is trained."""
