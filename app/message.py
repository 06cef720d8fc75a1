"""What the app has to tell, in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """Something to tell the inspector once, in both languages."""

    vi: str
    en: str
    is_problem: bool = True

    @classmethod
    def of(cls, words: str, is_problem: bool = True) -> "Message":
        """From "Vietnamese / English"."""
        vi, _, en = words.partition(" / ")
        return cls(vi, en or vi, is_problem)
