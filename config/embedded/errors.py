"""What can go wrong with the servers that come with the package, each with a code that docs/operations.md explains."""


class EmbeddedError(Exception):
    """A start, connection or stop that did not work: ``sentence`` says what to do, ``code`` never changes."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence

    def __str__(self) -> str:
        return f"{self.sentence} [{self.code}]"
