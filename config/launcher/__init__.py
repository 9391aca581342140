"""What `./run` does: install, start and watch the processes, run checks, benchmarks and management commands.

Plain standard library, because it runs before anything is installed.
"""
