"""One builder per noun: ``catalogue.BUILDERS`` maps a noun to a function of a random generator."""
