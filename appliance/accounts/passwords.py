"""What Django's own rules for passwords leave out: words that stand all around (W1)."""

import re

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

SHORTEST_WORD = 4  # letters; a shorter one stands in good passwords by chance
LEAST_REST = 6  # characters beside such words


class ContextWordsValidator:
    """Refuses what is little more than the product's name, the host's, or the own address."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Raises ValidationError."""
        names = f"postern {settings.APPLIANCE_HOSTNAME} {getattr(user, 'email', '')}"
        words = {word for word in re.split(r"[\W_]+", names.lower()) if len(word) >= SHORTEST_WORD}
        rest = password.lower()
        for word in sorted(words, key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < LEAST_REST and rest != password.lower():
            raise ValidationError(self.get_help_text(), code="password_of_context_words")

    def get_help_text(self) -> str:
        return "A password needs more than the name of this product, this machine or its owner."
