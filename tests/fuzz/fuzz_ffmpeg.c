// SPDX-License-Identifier: MIT
// Any bytes as what FFmpeg decodes: BMP, TGA and Netpbm.
#include "picture.h"

#include "media/picture/codec_formats.h"
#include "media/picture/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct signature *s = signature_find(bytes, size);
    if (s && (s->decode == codec_bmp_decode || s->decode == codec_tga_decode || s->decode == codec_pnm_decode))
        fuzz_picture(bytes, size);
    return 0;
}
