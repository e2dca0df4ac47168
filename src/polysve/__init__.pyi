from polysve.surrogate.network import load_surrogate as load_surrogate
