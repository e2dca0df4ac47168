"""Cells of generators, each cut out of the window by half planes; compiled.

A cell begins as the whole window and is cut by the bisectors to its neighbours, nearest first, until no generator
further out can reach it (Rycroft, Chaos 19 (2009) 041111). What cells share is computed from what they share: a corner
from the three smallest numbers of all generators that meet in it, so that it is equal to the last bit in each of its
cells.

Generators (x, y, weight) are numbered together with their periodic copies. A cell is a polygon, some rows of
`corner` (x, y, and the distance from the bisector at hand) and of `who` (the three smallest numbers of generators that
meet there, ascending; the window's sides as bits: left, right, bottom, top; and the generator on the other side of the
edge that follows, or -1 to -4 for the window's sides). The window is 1 wide.
"""

import numpy as np

from polysve.base.compiled import compiled, inner

# copies of a generator go this many periods away on both sides
REACH = 100
# a copy's number: periods up, periods right, generator, each in its bits
UP, RIGHT = 48, 32
OWN, LAP = 2**RIGHT - 1, 2 ** (UP - RIGHT) - 1
# what is closer than this, in units of the window's width, is one point
CLOSE = 1e-13
NOBODY = np.iinfo(np.int64).max
# columns of `corner` and `who`
AWAY = 2
SIDES, BEYOND = 3, 4
# beside the sides: more meet in a corner than it was computed from
JOINED = 16
SMALLEST_AREA = 1e-14
# copies that may show in the window, in the order of their polygons
COPIES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (-1, -1), (1, -1), (0, 1), (-1, 1), (1, 1)])


@inner(counted=False)
def _number(own, right, up):
    """Number of a generator's copy some periods away."""
    return ((up + REACH) << UP) | ((right + REACH) << RIGHT) | own


@inner(counted=False)
def _copy(number):
    """Generator and periods right and up of a number."""
    return number & OWN, ((number >> RIGHT) & LAP) - REACH, (number >> UP) - REACH


@inner(counted=False)
def _place(number, generators, height):
    """Position and weight of a generator's copy."""
    own, right, up = _copy(number)
    return generators[own, 0] + right, generators[own, 1] + up * height, generators[own, 2]


@inner(counted=False)
def _meeting(one, two, three, sides, generators, height):
    """Where three generators, or two and a side, or one and two sides meet."""
    left, right, bottom, top = sides & 1, sides & 2, sides & 4, sides & 8
    side_x, side_y = 0.0 if left else 1.0, 0.0 if bottom else height
    if (left or right) and (bottom or top):
        return side_x, side_y
    x, y, own = _place(one, generators, height)
    bx, by, b = _place(two, generators, height)
    bx, by = bx - x, by - y
    b = bx * bx + by * by - (b - own)
    if three == NOBODY:
        if left or right:
            return side_x, y + (b - 2 * bx * (side_x - x)) / (2 * by)
        return x + (b - 2 * by * (side_y - y)) / (2 * bx), side_y
    cx, cy, c = _place(three, generators, height)
    cx, cy = cx - x, cy - y
    c = cx * cx + cy * cy - (c - own)
    twice = 2 * (bx * cy - by * cx)
    x, y = x + (b * cy - c * by) / twice, y + (c * bx - b * cx) / twice
    return side_x if left or right else x, side_y if bottom or top else y


@inner(counted=False)
def _join(who, row, number):
    """Let a generator or a side meet in a corner, which keeps the three smallest generators and all sides."""
    if number < 0:
        who[row, SIDES] |= 1 << (-number - 1)
        return
    for place in range(3):
        held = who[row, place]
        if number == held:
            return
        if number < held:
            who[row, place] = number
            number = held


@inner(counted=False)
def _locate(corner, who, row, generators, height):
    """Compute a corner from all that meet in it."""
    corner[row, 0], corner[row, 1] = _meeting(
        who[row, 0], who[row, 1], who[row, 2], who[row, SIDES], generators, height
    )


@inner(counted=False)
def _add(corner, who, row, one, two, three, generators, height):
    """Make a corner of three numbers."""
    who[row, 0], who[row, 1], who[row, 2], who[row, SIDES] = NOBODY, NOBODY, NOBODY, 0
    _join(who, row, one)
    _join(who, row, two)
    _join(who, row, three)
    _locate(corner, who, row, generators, height)


@inner(counted=False)
def _move(corner, who, source, target):
    """Copy a corner."""
    corner[target, 0], corner[target, 1] = corner[source, 0], corner[source, 1]
    for place in range(5):
        who[target, place] = who[source, place]


@inner(counted=False)
def _measure(corner, who, begin, size, other, dx, dy, offset):
    """Distance of a cell's corners from a bisector, positive on the cell's side; returns whether some lie beyond."""
    end, lowest = begin + size, np.inf
    for k in range(begin, end):
        corner[k, AWAY] = corner[k, 0] * dx + corner[k, 1] * dy + offset
        lowest = min(lowest, corner[k, AWAY])
    if lowest > CLOSE:
        return False
    for k in range(begin, end):
        if abs(corner[k, AWAY]) <= CLOSE:
            _join(who, k, other)
            who[k, SIDES] |= JOINED
            # a bisector along the window's side: what meets there from now on meets the other generator too
            if who[k, BEYOND] < 0 and abs(corner[k + 1 if k + 1 < end else begin, AWAY]) <= CLOSE:
                who[k, BEYOND] = other
    return lowest < -CLOSE


@inner(counted=False)
def _cut(corner, who, begin, size, target, cell, other, generators, height):
    """Leave of a cell what is on the positive side of the bisector to another, at rows from `target` on.

    Returns how many corners are left.
    """
    # corners from first to last lie beyond; a corner on the bisector serves as one of the two new ones
    close = begin + size - 1
    first, before = begin, close
    while not (corner[first, AWAY] < -CLOSE and corner[before, AWAY] >= -CLOSE):
        before = first
        first += 1
        if first > close:
            return 0
    last, following = first, first + 1 if first < close else begin
    while corner[following, AWAY] < -CLOSE:
        last, following = following, following + 1 if following < close else begin
    end, kept = target, following
    while True:
        _move(corner, who, kept, end)
        end += 1
        if kept == before:
            break
        kept = kept + 1 if kept < close else begin
    if corner[before, AWAY] > CLOSE:
        _add(corner, who, end, cell, who[before, BEYOND], other, generators, height)
        end += 1
    who[end - 1, BEYOND] = other
    if corner[following, AWAY] > CLOSE:
        _add(corner, who, end, cell, who[last, BEYOND], other, generators, height)
        who[end, BEYOND] = who[last, BEYOND]
        end += 1
    return end - target if end - target > 2 else 0


@inner(counted=False)
def _limit(corner, begin, size, x, y, excess):
    """Squared distance from which on no generator, of at most so much more weight, reaches a corner."""
    largest = 0.0
    for k in range(begin, begin + size):
        dx, dy = corner[k, 0] - x, corner[k, 1] - y
        largest = max(largest, dx * dx + dy * dy)
    limit = np.sqrt(largest) + np.sqrt(max(0.0, largest + excess)) + CLOSE
    return limit * limit


@inner(counted=False)
def _apart(corner, one, other):
    """Whether two corners are two points."""
    dx, dy = abs(corner[one, 0] - corner[other, 0]), abs(corner[one, 1] - corner[other, 1])
    return max(dx, dy) > CLOSE


@inner(counted=False)
def _unite(who, row, other):
    """Let all that meet in one corner meet in another."""
    for place in range(3):
        _join(who, row, who[other, place])
    who[row, SIDES] |= who[other, SIDES] | JOINED


@inner(counted=False)
def _finish(corner, who, begin, size, generators, height):
    """Join corners that are one, and compute each from all that meet in it; returns how many are left."""
    left = begin
    for k in range(begin, begin + size):
        if left == begin or _apart(corner, k, left - 1):
            _move(corner, who, k, left)
            left += 1
        else:
            _unite(who, left - 1, k)
    if left > begin + 1 and not _apart(corner, begin, left - 1):
        left -= 1
        _unite(who, begin, left)
    for k in range(begin, left):
        if who[k, SIDES] & JOINED:
            _locate(corner, who, k, generators, height)
        for axis, end in ((0, 1.0), (1, height)):
            if abs(corner[k, axis]) <= CLOSE:
                corner[k, axis] = 0.0
            if abs(corner[k, axis] - end) <= CLOSE:
                corner[k, axis] = end
    return left - begin if left - begin > 2 else 0


@inner(counted=False)
def _window(corner, who, height):
    """Begin a cell as the whole window."""
    for k in range(4):
        corner[k, 0] = 1.0 if k in (1, 2) else 0.0
        corner[k, 1] = height if k > 1 else 0.0
        for place in range(3):
            who[k, place] = NOBODY
        who[k, SIDES] = (5, 6, 10, 9)[k]
        who[k, BEYOND] = (-3, -2, -4, -1)[k]
    return 4


@inner()
def _grid(generators, height):
    """Sort generators into square fields of about one.

    Returns
    -------
    begin, order, columns, rows, side
        Generators ``order[begin[k] : begin[k + 1]]`` are in field k, row by row from below.
    """
    count = len(generators)
    side = np.sqrt(height / count)
    columns, rows = max(1, int(1 / side)), max(1, int(height / side))
    field = np.empty(count, np.int64)
    begin = np.zeros(columns * rows + 1, np.int64)
    for k in range(count):
        column = min(int(generators[k, 0] * columns), columns - 1)
        row = min(int(generators[k, 1] / height * rows), rows - 1)
        field[k] = row * columns + column
        begin[field[k] + 1] += 1
    for k in range(columns * rows):
        begin[k + 1] += begin[k]
    order = np.empty(count, np.int64)
    next_place = begin[:-1].copy()
    for k in range(count):
        order[next_place[field[k]]] = k
        next_place[field[k]] += 1
    return begin, order, columns, rows, min(1 / columns, height / rows)


@inner(counted=False)
def _cell(corner, who, cell, generators, height, along_x, along_y,
          begin, order, columns, rows, side, largest):  # fmt: skip
    """Cut the window down to one cell, ring by ring of the grid; returns its first row and how many corners it has.

    Each cut moves the corners from one half of the rows to the other.
    """
    px, py, own = _place(cell, generators, height)
    column, row = int(np.floor(px * columns)), int(np.floor(py / height * rows))
    half = len(who) // 2
    row0, size = 0, _window(corner, who, height)
    limit = _limit(corner, row0, size, px, py, largest - own)
    for ring in range(REACH * min(columns, rows)):
        outside = ring > max(columns, rows) and not (along_x or along_y)
        if outside or (ring > 1 and (ring - 1) * side > np.sqrt(limit)):
            break
        for up in range(-ring, ring + 1):
            field_row, lap_y = row + up, 0
            if not 0 <= field_row < rows:
                if not along_y:
                    continue
                lap_y, field_row = divmod(field_row, rows)
            for right in range(-ring, ring + 1, 1 if abs(up) == ring else 2 * ring):
                field_column, lap_x = column + right, 0
                if not 0 <= field_column < columns:
                    if not along_x:
                        continue
                    lap_x, field_column = divmod(field_column, columns)
                field = field_row * columns + field_column
                for place in range(begin[field], begin[field + 1]):
                    other = _number(order[place], lap_x, lap_y)
                    x, y, weight = _place(other, generators, height)
                    dx, dy = px - x, py - y
                    squared = dx * dx + dy * dy
                    if squared > limit or other == cell:
                        continue
                    length = np.sqrt(squared)
                    dx, dy = dx / length, dy / length
                    offset = 0.5 * (length + (own - weight) / length) - px * dx - py * dy
                    if not _measure(corner, who, row0, size, other, dx, dy, offset):
                        continue
                    size = _cut(corner, who, row0, size, half - row0, cell, other,
                                generators, height)  # fmt: skip
                    if size == 0:
                        return row0, 0
                    row0 = half - row0
                    limit = _limit(corner, row0, size, px, py, largest - own)
    return row0, size


@inner()
def _pack(pool, first, size, count):
    """Put polygons with an area in order, each from the corner that follows the direction −x from its middle."""
    grain, offsets = np.empty(len(size), np.int64), np.zeros(len(size) + 1, np.int64)
    vertices = np.empty((size.sum(), 2))
    polygons, end, filled = 0, 0, 0.0
    for which in range(len(size)):
        corners = pool[first[which] : first[which] + size[which]]
        area, middle = 0.0, 0.0
        for k in range(size[which]):
            x, y = corners[k - 1, 0], corners[k - 1, 1]
            area += (x * corners[k, 1] - corners[k, 0] * y) / 2
            middle += corners[k, 1] / size[which]
        if area <= SMALLEST_AREA:
            continue
        start = 0
        for k in range(size[which]):
            if corners[k, 1] < middle <= corners[k - 1, 1]:
                start = k
        for k in range(size[which]):
            turned = start + k if start + k < size[which] else start + k - size[which]
            vertices[end + k, 0], vertices[end + k, 1] = corners[turned, 0], corners[turned, 1]
        end += size[which]
        grain[polygons] = which % count
        polygons += 1
        offsets[polygons] = end
        filled += area
    return grain[:polygons].copy(), offsets[: polygons + 1].copy(), vertices[:end].copy(), filled


@inner(counted=False)
def _rate(corner, following, cell, other, generators, height):
    """Area that a cell loses to another by the other's weight: length of their edge over twice the distance."""
    x, y, _ = _place(cell, generators, height)
    other_x, other_y, _ = _place(other, generators, height)
    length = np.hypot(following[0] - corner[0], following[1] - corner[1])
    return length / (2 * np.hypot(other_x - x, other_y - y))


@compiled(
    "Tuple((i8[::1], i8[::1], f8[:, ::1], f8, i8[:, ::1], f8[::1]))"
    "(f8[:, ::1], f8[::1], f8, b1, b1, b1)"
)
def tessellate(points, weights, height, along_x, along_y, with_rates):
    """All cells that show in the window; a periodic one is found from a neighbour that shows.

    Returns
    -------
    grain, offsets, vertices, area
    neighbours, rate
        If asked for: generators on both sides of each edge, once from either side, and the change of area by weight.
    """
    count = len(points)
    generators = np.empty((count, 3))
    for k in range(count):
        generators[k, 0], generators[k, 1] = points[k, 0], points[k, 1]
        generators[k, 2] = weights[k]
    begin, order, columns, rows, side = _grid(generators, height)
    largest = weights.max()
    room = 16 * count + 128
    corner, who = np.empty((room, 3)), np.empty((room, 5), np.int64)
    pool = np.empty((32 * count + 128, 2))
    used = 0
    copies = len(COPIES) if along_x or along_y else 1
    first, size = np.zeros(copies * count, np.int64), np.zeros(copies * count, np.int64)
    seen = np.zeros(copies * count, np.bool_)
    seen[:count] = True
    queue = np.empty(copies * count, np.int64)
    queue[:count] = np.arange(count)
    neighbours = np.empty((len(pool) if with_rates else 0, 2), np.int64)
    rate, edges = np.empty(len(neighbours)), 0
    done, queued = 0, count
    while done < queued:
        which = queue[done]
        done += 1
        copy, own = divmod(which, count)
        cell = _number(own, COPIES[copy, 0], COPIES[copy, 1])
        row0, found = _cell(corner, who, cell, generators, height, along_x, along_y,
                      begin, order, columns, rows, side, largest)  # fmt: skip
        for k in range(row0, row0 + (found if copies > 1 else 0)):
            if who[k, BEYOND] < 0:
                continue
            other, lap_x, lap_y = _copy(who[k, BEYOND])
            for neighbour in range(1, copies):
                at = neighbour * count + other
                if COPIES[neighbour, 0] == lap_x and COPIES[neighbour, 1] == lap_y and not seen[at]:
                    seen[at] = True
                    queue[queued] = at
                    queued += 1
        for k in range(row0, row0 + (found if with_rates else 0)):
            if who[k, BEYOND] >= 0:
                following = corner[k + 1 if k + 1 < row0 + found else row0]
                neighbours[edges, 0], neighbours[edges, 1] = own, who[k, BEYOND] & OWN
                rate[edges] = _rate(corner[k], following, cell, who[k, BEYOND], generators, height)
                edges += 1
        found = _finish(corner, who, row0, found, generators, height)
        first[which], size[which] = used, found
        for k in range(row0, row0 + found):
            pool[used, 0], pool[used, 1] = corner[k, 0], corner[k, 1]
            used += 1
    grain, offsets, vertices, filled = _pack(pool, first, size, count)
    return grain, offsets, vertices, filled, neighbours[:edges].copy(), rate[:edges].copy()
