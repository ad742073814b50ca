"""Labels -> a better version. The only room that imports torch and sentence_transformers."""

from helpdesk.threads import wait_asleep

wait_asleep()  # before any module of this room can load torch, whichever door was taken
