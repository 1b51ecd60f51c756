"""What the workflow's scripts share; importable because it lies beside them."""
