"""Cells of generators, each cut out of the window by half planes; compiled.

A cell begins as the whole window and is cut by the bisectors to its neighbours, nearest first, until no generator
further out can reach it (Rycroft, Chaos 19 (2009) 041111). What cells share is computed from what they share: a corner
from the three smallest numbers of all generators that meet in it, so that it is equal to the last bit in each of its
cells.

Generators are numbered together with their periodic copies. A cell is a polygon:
`corner` (x, y of each), `who` (the three smallest numbers of generators that meet there, ascending, and the window's
sides as bits: left, right, bottom, top) and `beyond` (the generator on the other side of the edge that follows, or
-1 to -4 for the window's sides). The window is 1 wide.
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
SMALLEST_AREA = 1e-14
# copies that may show in the window, in the order of their polygons
COPIES = np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (-1, -1), (1, -1), (0, 1), (-1, 1), (1, 1)])


@inner()
def _number(own, right, up):
    """Number of a generator's copy some periods away."""
    return ((up + REACH) << UP) | ((right + REACH) << RIGHT) | own


@inner()
def _copy(number):
    """Generator and periods right and up of a number."""
    return number & OWN, ((number >> RIGHT) & LAP) - REACH, (number >> UP) - REACH


@inner()
def _place(number, points, weights, height):
    """Position and weight of a generator's copy."""
    own, right, up = _copy(number)
    return points[own, 0] + right, points[own, 1] + up * height, weights[own]


@inner()
def _meeting(who, points, weights, height):
    """Where three generators, or two and a side, or one and two sides meet."""
    left, right, bottom, top = who[3] & 1, who[3] & 2, who[3] & 4, who[3] & 8
    side_x, side_y = 0.0 if left else 1.0, 0.0 if bottom else height
    if (left or right) and (bottom or top):
        return side_x, side_y
    x, y, own = _place(who[0], points, weights, height)
    bx, by, b = _place(who[1], points, weights, height)
    bx, by = bx - x, by - y
    b = bx * bx + by * by - (b - own)
    if who[2] == NOBODY:
        if left or right:
            return side_x, y + (b - 2 * bx * (side_x - x)) / (2 * by)
        return x + (b - 2 * by * (side_y - y)) / (2 * bx), side_y
    cx, cy, c = _place(who[2], points, weights, height)
    cx, cy = cx - x, cy - y
    c = cx * cx + cy * cy - (c - own)
    twice = 2 * (bx * cy - by * cx)
    x, y = x + (b * cy - c * by) / twice, y + (c * bx - b * cx) / twice
    return side_x if left or right else x, side_y if bottom or top else y


@inner()
def _join(who, number):
    """Let a generator or a side meet in a corner, which keeps the three smallest generators and all sides."""
    if number < 0:
        who[3] |= 1 << (-number - 1)
        return
    for place in range(3):
        held = who[place]
        if number == held:
            return
        if number < held:
            who[place] = number
            number = held


@inner()
def _add(corner, who, row, one, two, three, points, weights, height):
    """Make a corner of three numbers."""
    for place in range(3):
        who[row, place] = NOBODY
    who[row, 3] = 0
    _join(who[row], one)
    _join(who[row], two)
    _join(who[row], three)
    corner[row, 0], corner[row, 1] = _meeting(who[row], points, weights, height)


@inner()
def _move(corner, who, beyond, source, target):
    """Copy a corner from row to row."""
    for axis in range(2):
        corner[target, axis] = corner[source, axis]
    for place in range(4):
        who[target, place] = who[source, place]
    beyond[target] = beyond[source]


@inner()
def _measure(corner, who, beyond, distance, size, other, dx, dy, offset):
    """Distance of a cell's corners from a bisector, positive on the cell's side; returns whether some lie beyond."""
    lowest = np.inf
    for k in range(size):
        distance[k] = corner[k, 0] * dx + corner[k, 1] * dy + offset
        lowest = min(lowest, distance[k])
    if lowest > CLOSE:
        return False
    for k in range(size):
        if abs(distance[k]) <= CLOSE:
            _join(who[k], other)
            # a bisector along the window's side: what meets there from now on meets the other generator too
            if beyond[k] < 0 and abs(distance[k + 1 if k + 1 < size else 0]) <= CLOSE:
                beyond[k] = other
    return lowest < -CLOSE


@inner()
def _cut(corner, who, beyond, distance, size, cell, other, points, weights, height):
    """Leave of a cell what is on the positive side of the bisector to another; returns how many corners are left."""
    # corners from first to last lie beyond; a corner on the bisector serves as one of the two new ones
    first = 0
    while not (distance[first] < -CLOSE and distance[first - 1 if first else size - 1] >= -CLOSE):
        first += 1
        if first == size:
            return 0
    last, following = first, first + 1 if first + 1 < size else 0
    while distance[following] < -CLOSE:
        last, following = following, following + 1 if following + 1 < size else 0
    before, kept = first - 1 if first else size - 1, 0
    while True:
        _move(corner, who, beyond, following, size + kept)
        kept += 1
        if following == before:
            break
        following = following + 1 if following + 1 < size else 0
    end = size + kept
    if distance[before] > CLOSE:
        _add(corner, who, end, cell, beyond[before], other, points, weights, height)
        end += 1
    beyond[end - 1] = other
    following = last + 1 if last + 1 < size else 0
    if distance[following] > CLOSE:
        _add(corner, who, end, cell, beyond[last], other, points, weights, height)
        beyond[end] = beyond[last]
        end += 1
    for k in range(size, end):
        _move(corner, who, beyond, k, k - size)
    return end - size if end - size > 2 else 0


@inner()
def _limit(corner, size, x, y, excess):
    """Squared distance from which on no generator, of at most so much more weight, reaches a corner."""
    largest = 0.0
    for k in range(size):
        dx, dy = corner[k, 0] - x, corner[k, 1] - y
        largest = max(largest, dx * dx + dy * dy)
    limit = np.sqrt(largest) + np.sqrt(max(0.0, largest + excess)) + CLOSE
    return limit * limit


@inner()
def _unite(who, others):
    """Let all that meet in one corner meet in another."""
    for place in range(3):
        _join(who, others[place])
    who[3] |= others[3]


@inner()
def _finish(corner, who, size, points, weights, height):
    """Join corners that are one, and compute each from all that meet in it; returns how many are left."""
    left = 0
    for k in range(size):
        near = left > 0 and (
            max(abs(corner[k, 0] - corner[left - 1, 0]), abs(corner[k, 1] - corner[left - 1, 1]))
            <= CLOSE
        )
        if near:
            _unite(who[left - 1], who[k])
            continue
        for axis in range(2):
            corner[left, axis] = corner[k, axis]
        for place in range(4):
            who[left, place] = who[k, place]
        left += 1
    if left > 1 and (
        max(abs(corner[0, 0] - corner[left - 1, 0]), abs(corner[0, 1] - corner[left - 1, 1]))
        <= CLOSE
    ):
        left -= 1
        _unite(who[0], who[left])
    for k in range(left):
        corner[k, 0], corner[k, 1] = _meeting(who[k], points, weights, height)
        for axis, end in ((0, 1.0), (1, height)):
            if abs(corner[k, axis]) <= CLOSE:
                corner[k, axis] = 0.0
            if abs(corner[k, axis] - end) <= CLOSE:
                corner[k, axis] = end
    return left if left > 2 else 0


@inner()
def _window(corner, who, beyond, height):
    """Begin a cell as the whole window."""
    for k in range(4):
        corner[k, 0] = 1.0 if k in (1, 2) else 0.0
        corner[k, 1] = height if k > 1 else 0.0
        for place in range(3):
            who[k, place] = NOBODY
    who[0, 3], who[1, 3], who[2, 3], who[3, 3] = 5, 6, 10, 9
    beyond[0], beyond[1], beyond[2], beyond[3] = -3, -2, -4, -1
    return 4


@inner()
def _grid(points, height):
    """Sort generators into square fields of about one.

    Returns
    -------
    begin, order, columns, rows, side
        Generators ``order[begin[k] : begin[k + 1]]`` are in field k, row by row from below.
    """
    count = len(points)
    side = np.sqrt(height / count)
    columns, rows = max(1, int(1 / side)), max(1, int(height / side))
    field = np.empty(count, np.int64)
    begin = np.zeros(columns * rows + 1, np.int64)
    for k in range(count):
        column = min(int(points[k, 0] * columns), columns - 1)
        row = min(int(points[k, 1] / height * rows), rows - 1)
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


@inner()
def _cell(corner, who, beyond, distance, cell, points, weights, height, along_x, along_y,
          begin, order, columns, rows, side, largest):  # fmt: skip
    """Cut the window down to one cell, ring by ring of the grid; returns how many corners it has."""
    px, py, own = _place(cell, points, weights, height)
    column, row = int(np.floor(px * columns)), int(np.floor(py / height * rows))
    size = _window(corner, who, beyond, height)
    limit = _limit(corner, size, px, py, largest - own)
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
                    qx, qy, weight = _place(other, points, weights, height)
                    dx, dy = px - qx, py - qy
                    squared = dx * dx + dy * dy
                    if squared > limit or other == cell:
                        continue
                    length = np.sqrt(squared)
                    dx, dy = dx / length, dy / length
                    offset = 0.5 * (length + (own - weight) / length) - px * dx - py * dy
                    if not _measure(corner, who, beyond, distance, size, other, dx, dy, offset):
                        continue
                    size = _cut(
                        corner, who, beyond, distance, size, cell, other, points, weights, height
                    )
                    if size == 0:
                        return 0
                    limit = _limit(corner, size, px, py, largest - own)
    return size


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


@inner()
def _rate(corner, following, cell, other, points, weights, height):
    """Area that a cell loses to another by the other's weight: length of their edge over twice the distance."""
    x, y, _ = _place(cell, points, weights, height)
    other_x, other_y, _ = _place(other, points, weights, height)
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
    begin, order, columns, rows, side = _grid(points, height)
    largest = weights.max()
    room = 16 * count + 128
    corner, who = np.empty((room, 2)), np.empty((room, 4), np.int64)
    beyond, distance = np.empty(room, np.int64), np.empty(room)
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
        found = _cell(corner, who, beyond, distance, cell, points, weights, height, along_x, along_y,
                      begin, order, columns, rows, side, largest)  # fmt: skip
        for k in range(found if copies > 1 else 0):
            if beyond[k] < 0:
                continue
            other, lap_x, lap_y = _copy(beyond[k])
            for neighbour in range(1, copies):
                at = neighbour * count + other
                if COPIES[neighbour, 0] == lap_x and COPIES[neighbour, 1] == lap_y and not seen[at]:
                    seen[at] = True
                    queue[queued] = at
                    queued += 1
        for k in range(found if with_rates else 0):
            if beyond[k] >= 0:
                following = corner[k + 1 if k + 1 < found else 0]
                neighbours[edges, 0], neighbours[edges, 1] = own, beyond[k] & OWN
                rate[edges] = _rate(corner[k], following, cell, beyond[k], points, weights, height)
                edges += 1
        found = _finish(corner, who, found, points, weights, height)
        first[which], size[which] = used, found
        for k in range(found):
            pool[used, 0], pool[used, 1] = corner[k, 0], corner[k, 1]
            used += 1
    grain, offsets, vertices, filled = _pack(pool, first, size, count)
    return grain, offsets, vertices, filled, neighbours[:edges].copy(), rate[:edges].copy()
