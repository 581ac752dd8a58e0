"""H.264 constrained baseline: intra pictures of I_PCM macroblocks, then skipped P pictures.

Clause numbers are those of ITU-T H.264.
"""

import re
from collections.abc import Sequence

from modellix_cli.sandbox.media.seed import Colour

MACROBLOCK = 16
PROFILE_BASELINE = 66
CONSTRAINT_SETS_0_AND_1 = 0xC0
LEVEL_4_0 = 40
MAX_MACROBLOCKS = 8192

NAL_SLICE = 0x41
NAL_IDR_SLICE = 0x65
NAL_SPS = 0x67
NAL_PPS = 0x68

SLICE_P = 5
SLICE_I = 7
MB_I_PCM = 25


class Bits:
    """Bits written from the most significant end, by the descriptors of clause 7.2."""

    def __init__(self) -> None:
        self._text = ""

    def u(self, size: int, value: int) -> "Bits":
        """Append `value` as `size` unsigned bits."""
        self._text += f"{value:0{size}b}"
        return self

    def ue(self, *values: int) -> "Bits":
        """Append each value (0 or more) as an unsigned Exp-Golomb code."""
        for value in values:
            code = f"{value + 1:b}"
            self._text += "0" * (len(code) - 1) + code
        return self

    def aligned(self) -> bytes:
        """Return the bytes so far, the last one filled up with zero bits."""
        text = self._text + "0" * (-len(self._text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def trailing(self) -> bytes:
        """Return the bytes so far, closed with the stop bit of clause 7.3.2.11."""
        return self.u(1, 1).aligned()


def nal(header: int, rbsp: bytes) -> bytes:
    """Return a NAL unit: its header byte, then `rbsp` with emulation prevention bytes."""
    return bytes([header]) + re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", rbsp)


def sps(width: int, height: int) -> bytes:
    """Return the sequence parameter set of pictures of `width` x `height` pixels."""
    bits = Bits().u(8, PROFILE_BASELINE).u(8, CONSTRAINT_SETS_0_AND_1).u(8, LEVEL_4_0)
    identifier, log2_max_frame_num_minus4, output_in_decoding_order, reference_frames = 0, 0, 2, 1
    bits.ue(identifier, log2_max_frame_num_minus4, output_in_decoding_order, reference_frames)
    bits.u(1, 0)  # gaps_in_frame_num_value_allowed_flag
    bits.ue(width // MACROBLOCK - 1, height // MACROBLOCK - 1)
    bits.u(1, 1)  # frame_mbs_only_flag
    bits.u(1, 1)  # direct_8x8_inference_flag
    bits.u(1, 0)  # frame_cropping_flag
    bits.u(1, 0)  # vui_parameters_present_flag
    return nal(NAL_SPS, bits.trailing())


def pps() -> bytes:
    """Return the picture parameter set: CAVLC, one slice group, deblocking set by the slice."""
    bits = Bits().ue(0, 0)  # pic_parameter_set_id, seq_parameter_set_id
    bits.u(2, 0)  # entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
    bits.ue(0, 0, 0)  # num_slice_groups_minus1, num_ref_idx_l0 and l1 _default_active_minus1
    bits.u(3, 0)  # weighted_pred_flag, weighted_bipred_idc
    bits.ue(0, 0, 0)  # pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
    bits.u(3, 0b100)  # deblocking control present, no constrained intra, no redundant pictures
    return nal(NAL_PPS, bits.trailing())


def idr_slice(macroblocks: Sequence[bytes], idr_pic_id: int) -> bytes:
    """Return an IDR picture.

    macroblocks: 384 bytes each (256 luma, 64 Cb, 64 Cr), in raster order.
    idr_pic_id: must differ between two IDR pictures in a row.
    """
    bits = _slice_header(SLICE_I, 0).ue(idr_pic_id)
    bits.u(2, 0)  # no_output_of_prior_pics_flag, long_term_reference_flag
    first_prefix = _slice_header_end(bits).ue(MB_I_PCM).aligned()
    next_prefix = Bits().ue(MB_I_PCM).aligned()
    rbsp = first_prefix + next_prefix.join(macroblocks) + Bits().trailing()
    return nal(NAL_IDR_SLICE, rbsp)


def skipped_slice(macroblock_count: int, frame_num: int) -> bytes:
    """Return a P picture that repeats the one before it.

    frame_num: pictures since the last IDR picture, 1..15.
    """
    bits = _slice_header(SLICE_P, frame_num)
    bits.u(1, 0)  # num_ref_idx_active_override_flag
    bits.u(1, 0)  # ref_pic_list_modification_flag_l0
    bits.u(1, 0)  # adaptive_ref_pic_marking_mode_flag
    return nal(NAL_SLICE, _slice_header_end(bits).ue(macroblock_count).trailing())


def ycbcr(rgb: Colour) -> Colour:
    """Return the BT.601 studio-range Y, Cb, Cr (16..235, 16..240) of an RGB colour."""
    red, green, blue = rgb
    return (
        16 + (66 * red + 129 * green + 25 * blue + 128) // 256,
        128 + (-38 * red - 74 * green + 112 * blue + 128) // 256,
        128 + (112 * red - 94 * green - 18 * blue + 128) // 256,
    )


def _slice_header(slice_type: int, frame_num: int) -> Bits:
    first_mb_in_slice, pic_parameter_set_id = 0, 0
    return Bits().ue(first_mb_in_slice, slice_type, pic_parameter_set_id).u(4, frame_num)


def _slice_header_end(bits: Bits) -> Bits:
    slice_qp_delta, disable_deblocking_filter_idc = 0, 1
    return bits.ue(slice_qp_delta, disable_deblocking_filter_idc)
