"""The verbs of `ovseg`, one file each. Importing them is quick; what they work with waits."""
