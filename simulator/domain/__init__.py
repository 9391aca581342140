"""The simulator's pure part: scene folders, the synthetic campus, and what cars and buildings draw."""
