"""Quarter turns and mirrors of images of log Q, and networks that follow them exactly."""

import keras
from keras import ops

SYMMETRIES = [(turns, mirrored) for mirrored in (False, True) for turns in range(4)]
"""Quarter turns after the mirror, if any: all symmetries of the square."""
EXCHANGED = (1, 0, 2, 3, 5, 4)
"""Where the components 11, 22, 66, 12, 16, 26 stand after a quarter turn."""


@keras.saving.register_keras_serializable(package="polysve")
class Moved(keras.layers.Layer):
    """Turn or mirror a film: its pixels, if there are any, and the components 11, 22, 66, 12, 16, 26 on the last axis.

    Parameters
    ----------
    turns : int
        Quarter turns, counter-clockwise, after the mirror.
    mirrored : bool
        Mirror x → −x.

    Examples
    --------
    >>> import numpy as np
    >>> np.asarray(Moved(1, False)(np.array([[11.0, 22, 66, 12, 16, 26]])))[0].tolist()
    [22.0, 11.0, 66.0, 12.0, -26.0, -16.0]
    """

    def __init__(self, turns, mirrored, **kwargs):
        super().__init__(**kwargs)
        self.turns, self.mirrored = int(turns), bool(mirrored)

    def call(self, inputs):
        """Map (n, p, p, 6) or (n, 6) to the same shape."""
        if len(inputs.shape) == 4:
            if self.mirrored:
                inputs = ops.flip(inputs, 2)
            # row 0 is at the bottom: rows become columns
            inputs = ops.rot90(inputs, self.turns, axes=(2, 1))
        if self.turns % 2:
            inputs = ops.take(inputs, EXCHANGED, axis=-1)
        sign = -1.0 if (self.turns + self.mirrored) % 2 else 1.0
        return inputs * ops.convert_to_tensor([1, 1, 1, 1, sign, sign], inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "turns": self.turns, "mirrored": self.mirrored}


def averaged(network):
    """Mean of what a network says of a film turned and mirrored, turned back: a network that turns with the film.

    Parameters
    ----------
    network : keras.Model
        Images (n, p, p, 6) to six components.
    """
    inputs = keras.Input(network.input_shape[1:])
    answers = []
    for symmetry in SYMMETRIES:
        # undone by itself: on the components a quarter turn and its opposite are the same
        answers.append(Moved(*symmetry)(network(Moved(*symmetry)(inputs))))
    return keras.Model(inputs, keras.layers.Average()(answers))
