// SPDX-License-Identifier: MIT
// Any bytes as what FFmpeg decodes: WebP, BMP and GIF.
#include <string.h>

#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size >= 4 && (memcmp(bytes, "RIFF", 4) == 0 || memcmp(bytes, "BM", 2) == 0 || memcmp(bytes, "GIF8", 4) == 0))
        fuzz_picture(bytes, size);
    return 0;
}
