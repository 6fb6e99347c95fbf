// SPDX-License-Identifier: MIT
// Any bytes as what libvips reads.
#include "picture.h"

#include "media/picture/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct signature *signature = signature_find(bytes, size);
    if (signature && signature->loader)
        fuzz_picture(bytes, size);
    return 0;
}
