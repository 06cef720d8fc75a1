"""Passwords as Argon2id hashes; a right one, a wrong one and one of an unknown user cost the same work."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from central.settings import PasswordCost

PASSWORD_MIN = 12
PASSWORD_MAX = 200

_AT_ONCE = threading.BoundedSemaphore(4)
"""Hashes worked on at the same time: each takes 19 MiB, and a crowd at the door must not fill the memory."""


class Passwords:
    """Makes and checks password hashes at one cost."""

    def __init__(self, cost: PasswordCost):
        self._hasher = PasswordHasher(time_cost=cost.rounds, memory_cost=cost.memory_kib, parallelism=1)
        self._nobody = self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A fresh hash. Raises ValueError, in words for the user, when the password is too short or too long."""
        if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
            raise ValueError(f"Mật khẩu cần từ {PASSWORD_MIN} đến {PASSWORD_MAX} ký tự.")
        with _AT_ONCE:
            return self._hasher.hash(password)

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether the password belongs to the hash; with no hash the same work is done and the answer is no."""
        with _AT_ONCE:
            try:
                self._hasher.verify(password_hash or self._nobody, password[: PASSWORD_MAX + 1])
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None
