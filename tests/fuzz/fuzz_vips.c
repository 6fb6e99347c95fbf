// SPDX-License-Identifier: MIT
// Any bytes as what libvips reads.
#include "picture.h"

#include "media/picture/signature.h"

// dav1d 1.0 loses 40 bytes of some damaged AVIFs. What we lose of libvips's objects test_codec_vips tells.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdav1d";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct signature *signature = signature_find(bytes, size);
    const bool left_out = signature && signature->loader && strcmp(signature->loader, "openexrload") == 0; // README.md says why
    if (signature && signature->loader && !left_out)
        fuzz_picture(bytes, size);
    return 0;
}
