"""Labels -> a better version. The only room that imports torch and sentence_transformers."""
