// SPDX-License-Identifier: MIT
// Any bytes as a TIFF.
#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > 0 && (bytes[0] == 'I' || bytes[0] == 'M'))
        fuzz_picture(bytes, size);
    return 0;
}
