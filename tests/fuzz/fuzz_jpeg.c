// SPDX-License-Identifier: MIT
// Any bytes as a JPEG.
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[0] == 0xff)
        fuzz_picture(bytes, size);
    return 0;
}
