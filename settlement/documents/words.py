"""The total of a document in words, in đồng.

It ends in `đồng`, not `đồng chẵn` ('even'): that word tells that no fraction follows, and the đồng has none.
Example: 63,700 is `Sáu mươi ba nghìn bảy trăm đồng`.
"""

from units.numbers import Language
from units.words_en import number_in_english
from units.words_vi import number_in_vietnamese


def amount_in_words(dong: int, language: Language) -> str:
    """An amount in words with a capital letter in front and the currency behind."""
    if language == "vi":
        words = f"{number_in_vietnamese(dong)} đồng"
    else:
        words = f"{number_in_english(dong)} Vietnamese dong"
    return words[0].upper() + words[1:]
