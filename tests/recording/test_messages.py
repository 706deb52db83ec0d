"""Messages say what was put into them, and whatever bytes come, nothing worse than BadMessage is raised."""

from contextlib import suppress

import pytest

pytest.importorskip("cbor2")

import cbor2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from streamed import CHANNEL, end, image, pixels, start

from autoproc.recording.messages import EndMessage, ImageMessage, StartMessage, parse_message
from autoproc.recording.start_facts import facts_of
from autoproc.recording.typed_arrays import BadMessage, packed
from autoproc.simulation.beamline_stream import COMPRESSED_TAG, GRID_TAG, array, grid, packed_bytes

WHOLE = (start(), image(3), image(3, compression="lz4"), image(3, compression="none"), end())
DTYPES = ("u1", "u2", "u4", "i2", "i4", "f4")


def tried(content):
    """What becomes of any bytes."""
    try:
        message = parse_message(content)
    except BadMessage:
        return None
    if isinstance(message, StartMessage):
        facts_of(message)
    if isinstance(message, ImageMessage):
        for pixels in message.channels.values():
            with suppress(BadMessage):
                assert pixels.unpacked().shape == pixels.shape
    return message


def test_messages_are_told_apart():
    first, image_3, *_, last = map(parse_message, WHOLE)
    assert isinstance(first, StartMessage)
    assert isinstance(image_3, ImageMessage)
    assert isinstance(last, EndMessage)
    assert {(m.series, m.series_id) for m in (first, image_3, last)} == {("01SIMULATED", 1)}
    assert image_3.image_id == 3


@given(
    dtype=st.sampled_from(DTYPES), compression=st.sampled_from(["bslz4", "lz4", "none"]),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)), seed=st.integers(0, 1000),
)  # fmt: skip
def test_arrays_come_out_as_they_went_in(dtype, compression, shape, seed):
    values = np.random.default_rng(seed).integers(0, 200, shape).astype(dtype)
    item = cbor2.loads(cbor2.dumps(array(values, compression)))
    unpacked = packed(item, "x").unpacked()
    assert unpacked.dtype == values.dtype
    np.testing.assert_array_equal(unpacked, values)


@pytest.mark.parametrize(
    ("tag", "dtype"), [(65, ">u2"), (66, ">u4"), (67, ">u8"), (74, ">i4"), (82, ">f8"), (68, "u1")]
)
def test_big_endian_arrays_and_clamped_bytes(tag, dtype):
    values = np.arange(6, dtype=dtype).reshape(2, 3)
    item = cbor2.CBORTag(GRID_TAG, [[2, 3], cbor2.CBORTag(tag, values.tobytes())])
    unpacked = packed(item, "x").unpacked()
    assert unpacked.dtype.isnative
    np.testing.assert_array_equal(unpacked, values)


@given(which=st.sampled_from(WHOLE), data=st.data())
def test_damaged_messages_are_refused_and_no_more(which, data):
    content = bytearray(which)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    tried(bytes(content[: data.draw(st.integers(0, len(content)))]))
    tried(bytes(content))


@given(content=st.binary(max_size=200))
def test_any_bytes(content):
    tried(content)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.builds(cbor2.CBORTag, st.sampled_from([40, 64, 69, 70, 76, 85, 88, 1040, COMPRESSED_TAG]), inner)
    ),
    max_leaves=8,
)
FIELDS = tuple(
    {key for content in WHOLE for key in cbor2.loads(content)} | {"pixel_mask", "user_data", "threshold_energy"}
)


@given(which=st.sampled_from(WHOLE), key=st.sampled_from(FIELDS), value=anything)
def test_fields_of_any_type(which, key, value):
    fields = cbor2.loads(which) | {key: value}
    message = tried(cbor2.dumps(fields))
    if key not in ("type", "series_id", "series_unique_id", "image_id", "data"):
        assert message is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "has no pixels"),
        ({CHANNEL: 5}, "no array of two dimensions"),
        ({CHANNEL: grid(b"\0" * 24, (2, 3, 1), np.dtype("<u4"))}, "impossible dimensions"),
        ({CHANNEL: grid(b"\0" * 24, (2, -3), np.dtype("<u4"))}, "impossible dimensions"),
        ({CHANNEL: grid(b"\0" * 23, (2, 3), np.dtype("<u4"))}, "has 23 bytes of the 24"),
        ({CHANNEL: grid(b"\0" * 24, (65536, 65536), np.dtype("<u4"))}, "claims to have 17179869184 bytes"),
        ({CHANNEL: grid(cbor2.CBORTag(COMPRESSED_TAG, ["zstd", 4, b"x"]), (2, 3), np.dtype("<u4"))}, "by 'zstd'"),
        (
            {CHANNEL: grid(cbor2.CBORTag(COMPRESSED_TAG, ["bslz4", 3, b"x" * 20]), (2, 3), np.dtype("<u4"))},
            "of 3 bytes",
        ),
        ({CHANNEL: cbor2.CBORTag(GRID_TAG, [[2, 3], cbor2.CBORTag(80, b"\0" * 12)])}, "numbers of 2 bytes"),
        ({CHANNEL: cbor2.CBORTag(1040, [[2, 3], cbor2.CBORTag(64, b"\0" * 6)])}, "no array of two dimensions"),
    ],
)
def test_what_is_wrong_with_an_image_is_said(data, reason):
    content = cbor2.dumps(cbor2.loads(image(3)) | {"data": data})
    with pytest.raises(BadMessage, match=reason):
        parse_message(content)


def test_an_image_that_is_cut_off_or_claims_too_much_is_refused():
    values = pixels(0)
    tag = packed_bytes(values, "bslz4")
    name, size, content = tag.value
    for wrong in (content[:10], (1 << 40).to_bytes(8, "big") + content[8:], content[:12]):
        cut = grid(cbor2.CBORTag(COMPRESSED_TAG, [name, size, wrong]), values.shape, values.dtype)
        with pytest.raises(BadMessage):
            parse_message(cbor2.dumps(cbor2.loads(image(3)) | {"data": {CHANNEL: cut}}))


def test_a_series_without_a_unique_id_is_known_by_its_number():
    fields = cbor2.loads(image(0))
    del fields["series_unique_id"]
    assert parse_message(cbor2.dumps(fields)).series == "series 1"
    del fields["series_id"]
    with pytest.raises(BadMessage, match="of which series"):
        parse_message(cbor2.dumps(fields))


@pytest.mark.parametrize(
    "content", [b"\x81" * 100_000, b"\xd8\x28" * 100_000, b"\x9b" + b"\xff" * 8, b"\x5b" + b"\x7f" * 8]
)
def test_depths_and_sizes_that_are_only_claimed(content):
    with pytest.raises(BadMessage, match="not CBOR"):
        parse_message(content)
