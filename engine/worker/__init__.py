"""The worker process: one loaded model that answers requests from its pipe. Model code lives only here."""
