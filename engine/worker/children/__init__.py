"""Small processes without a model, for work on untrusted input that may have to be killed."""
