"""Fine-tuning an encoder and exporting it for serving."""
