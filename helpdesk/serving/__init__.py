"""The live matcher of one process: matching and records meet here."""
