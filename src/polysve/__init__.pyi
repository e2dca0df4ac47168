from polysve.api import characterize as characterize
from polysve.api import draw as draw
from polysve.api import homogenize as homogenize
from polysve.api import predict as predict
from polysve.api import read_film as read_film
from polysve.crystals.crystal import Crystal as Crystal
from polysve.surrogate.network import load_surrogate as load_surrogate

__version__: str
