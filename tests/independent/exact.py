"""Exact numbers: fractions and integers, and the one rule of rounding.  No floating point anywhere."""

from fractions import Fraction

PER_KILO = 1000


class Refused(Exception):
    """No bill is made.  `words` are all the reasons that hold (docs/billing.md, What is refused)."""

    def __init__(self, words):
        self.words = frozenset([words] if isinstance(words, str) else words)
        super().__init__(", ".join(sorted(self.words)))


def rounded(value, rule):
    """Nearest integer; a tie to the even one (half-even) or away from zero (half-up)."""
    value = Fraction(value)
    whole, rest = divmod(abs(value.numerator), value.denominator)
    tie = 2 * rest == value.denominator
    if 2 * rest > value.denominator or (tie and (rule == "half-up" or whole % 2 == 1)):
        whole += 1
    return whole if value >= 0 else -whole


def rounded_to(value, decimals, rule):
    """Fraction with so many decimals."""
    scale = 10 ** decimals
    return Fraction(rounded(value * scale, rule), scale)


def kilo(text):
    """A text in kWh or kW as whole Wh or W (three decimals at most)."""
    value = Fraction(text) * PER_KILO
    assert value.denominator == 1, text
    return value.numerator


def fixed_point(number, decimals):
    """Text of number / 10^decimals with exactly so many decimals."""
    digits = str(abs(number)).rjust(decimals + 1, "0")
    sign = "-" if number < 0 else ""
    if decimals == 0:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def shortest(value, most):
    """Text with two to `most` decimals and no zero at the end beyond the second."""
    scaled = value * 10 ** most
    assert scaled.denominator == 1, value
    text = fixed_point(scaled.numerator, most)
    while text.endswith("0") and len(text) - text.index(".") > 3:
        text = text[:-1]
    return text
