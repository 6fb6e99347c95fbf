// SPDX-License-Identifier: MIT
// Any bytes as a JPEG.
#include <string.h>

#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        fuzz_picture(bytes, size);
    return 0;
}
