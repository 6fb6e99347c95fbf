// SPDX-License-Identifier: MIT
// Any bytes as a TIFF.
#include <string.h>

#include "picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char signatures[][5] = {"II*\0", "MM\0*", "II+\0", "MM\0+"};
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (size >= 4 && memcmp(bytes, signatures[i], 4) == 0)
            fuzz_picture(bytes, size);
    return 0;
}
