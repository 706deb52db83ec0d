"""Connected components of sparse pixels over (fast, slow, frame), by union-find."""


cdef inline Py_ssize_t root_of(Py_ssize_t[::1] parent, Py_ssize_t a) noexcept nogil:
    while parent[a] != a:
        parent[a] = parent[parent[a]]
        a = parent[a]
    return a


cdef inline void join(Py_ssize_t[::1] parent, Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """The earlier pixel becomes the root, so that labels follow the order of the pixels."""
    a = root_of(parent, a)
    b = root_of(parent, b)
    if a < b:
        parent[b] = a
    else:
        parent[a] = b


def label(const int[::1] frame, const int[::1] index, int width, Py_ssize_t[::1] parent, Py_ssize_t[::1] labels):
    """Number the components 0, 1, ... in the order of their first pixels; returns how many there are.

    Pixels are sorted by frame, then by index = slow * width + fast. Neighbours share an edge in the
    image, or are the same pixel on consecutive frames. parent is work space.
    """
    cdef Py_ssize_t n = frame.shape[0], i, above = 0, before = 0, root
    cdef Py_ssize_t count = 0
    with nogil:
        for i in range(n):
            parent[i] = i
            if i > 0 and frame[i - 1] == frame[i] and index[i - 1] == index[i] - 1 and index[i] % width != 0:
                join(parent, i - 1, i)
            while frame[above] < frame[i] or index[above] < index[i] - width:
                above += 1
            if index[above] == index[i] - width and above < i:
                join(parent, above, i)
            while frame[before] < frame[i] - 1 or (frame[before] == frame[i] - 1 and index[before] < index[i]):
                before += 1
            if frame[before] == frame[i] - 1 and index[before] == index[i]:
                join(parent, before, i)
        for i in range(n):
            root = root_of(parent, i)
            if root == i:
                labels[i] = count
                count += 1
            else:
                labels[i] = labels[root]
    return count


def group(const Py_ssize_t[::1] labels, Py_ssize_t[::1] start, Py_ssize_t[::1] order):
    """Counting sort of the pixels by label; start, zero on entry, has one place more than labels.

    Afterwards order[start[k]:start[k + 1]] are the pixels of component k, in their own order.
    """
    cdef Py_ssize_t i, k, n_labels = start.shape[0] - 1
    with nogil:
        for i in range(labels.shape[0]):
            start[labels[i] + 1] += 1
        for k in range(n_labels):
            start[k + 1] += start[k]
        for i in range(labels.shape[0]):
            order[start[labels[i]]] = i
            start[labels[i]] += 1
        for k in range(n_labels, 0, -1):
            start[k] = start[k - 1]
        start[0] = 0


def tally(const int[::1] index, const float[::1] values, float[:, ::1] table):
    """Add a pixel, its value and the square of it to the row of `table` that index names."""
    cdef Py_ssize_t i, row
    with nogil:
        for i in range(index.shape[0]):
            row = index[i]
            table[row, 0] += 1
            table[row, 1] += values[i]
            table[row, 2] += values[i] * values[i]
