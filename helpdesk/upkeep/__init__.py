"""Looking after an installation: versions verified, backups, restoring, what the doctor finds."""
