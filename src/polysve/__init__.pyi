from polysve.surrogate import load_surrogate as load_surrogate
