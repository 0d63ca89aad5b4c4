"""Mutation testing of the money path: `python -m tests.mutation`. No part of the test suite."""
