// SPDX-License-Identifier: MIT
// Any bytes as what FFmpeg decodes: WebP, BMP and GIF.
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 0 && (bytes[0] == 'R' || bytes[0] == 'B' || bytes[0] == 'G'))
        fuzz_picture(bytes, size);
    return 0;
}
