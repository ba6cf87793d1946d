"""What the workbench says and computes of models, plans, jobs and measurements. Knows no Qt."""
