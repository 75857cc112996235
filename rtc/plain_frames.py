"""WebSocket frames as most audio comes and goes in: whole messages, not compressed, of a length that takes 16 bits."""

from collections.abc import Callable

Take = Callable[[str | bytes], bool]
Unmask = Callable[[bytes, bytes], bytes]
Offer = Callable[[bytes, int, Unmask], int]

TEXT, BINARY = b"\x81", b"\x82"
"""First byte of a message in one frame (RFC 6455, section 5.2)."""
SHORT, MEDIUM = 125, 0xFFFF
"""Up to which payload, in bytes, a frame's length has 7 bits, and 16 more."""
MASKED = b"\x81\xfe", b"\x82\xfe"
"""How such a frame of a client begins that has a length of 16 bits, text and binary."""
LENGTH, MASK, PAYLOAD = 2, 4, 8
"""Where the parts of that frame begin."""


def take_frame(data: bytes, begin: int, unmask: Unmask, take: Take) -> int:
    """Offer the frame that begins there; gives where it ends, or 0 if it was not taken, or is none that is all there.

    Args:
        unmask: undoes the masking of a payload, given that and the four bytes of the mask.
        take: is given the payload, and says whether it took it.
    """
    if not data.startswith(MASKED, begin):
        return 0
    size = int.from_bytes(data[begin + LENGTH : begin + MASK])
    end = begin + PAYLOAD + size
    if end > len(data) or not is_plain_size(size):
        return 0
    payload = unmask(data[begin + PAYLOAD : end], data[begin + MASK : begin + PAYLOAD])
    # In audio that is text there is nothing to be replaced.
    return end if take(payload.decode(errors="replace") if data[begin] == TEXT[0] else payload) else 0


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """Without the mask (RFC 6455, section 5.3)."""
    size = len(payload)
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")).to_bytes(size, "little")


def is_plain_size(size: int) -> bool:
    """Whether a payload of so many bytes makes such a frame."""
    return SHORT < size <= MEDIUM


def plain_frame(first_byte: bytes, payload: bytes) -> bytes:
    """The frame of a server, of a payload of such a size."""
    return b"%b\x7e%b%b" % (first_byte, len(payload).to_bytes(2), payload)
