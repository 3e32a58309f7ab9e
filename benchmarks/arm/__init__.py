"""What an inference costs on a Raspberry Pi's cores, counted in an emulator."""
