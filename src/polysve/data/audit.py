"""What the audits of ensembles found, in words."""

from collections.abc import Sequence


def audit_line(audits: Sequence[dict]) -> str:
    """One clause that says how right the labels of a study are, and how that is known.

    A difference below the reference's own error tells no more than that error.

    Parameters
    ----------
    audits : sequence of dict
        Contents of ``ensembles/NAME/audit.json``.

    Examples
    --------
    >>> audit = {"n": 20, "largest": 6.3e-5, "reference_error": 2e-5}
    >>> audit_line([audit, audit | {"largest": 1e-5}])
    'labels of this study are right to 6e-5, checked by gmsh and scikit-fem on 40 SVEs'
    >>> audit_line([])
    'labels of this study were not audited'
    """
    if not audits:
        return "labels of this study were not audited"
    worst = max(max(each["largest"], each["reference_error"]) for each in audits)
    digits, power = f"{worst:.0e}".split("e")
    number = f"{digits}e{int(power)}"
    count = sum(each["n"] for each in audits)
    return f"labels of this study are right to {number}, checked by gmsh and scikit-fem on {count} SVEs"
