// SPDX-License-Identifier: MIT
// Linked into the unit tests of the codecs, with the linker's --wrap=codec_decode: keeps each small picture that they decode as a seed, in
// the folder of its target below where the test runs. They make every kind that there is, with profiles and EXIF.
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "media/picture/codec.h"
#include "media/picture/signature.h"

enum status __real_codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image);
enum status __wrap_codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image);

enum { SEED_BYTES_MAX = 16 << 10 };

static const char *target_of(const uint8_t *bytes, size_t size)
{
    const uint8_t first = bytes[0];
    return signature_find(bytes, size)->loader ? "fuzz_vips"
           : first == 0x89                     ? "fuzz_png"
           : first == 0xff                     ? "fuzz_jpeg"
           : first == 'I' || first == 'M'      ? "fuzz_tiff"
                                               : "fuzz_ffmpeg";
}

// Named by its content, so that it is there once.
static void keep(const uint8_t *bytes, size_t size)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char path[64];
    SHA256(bytes, size, digest);
    const char *target = target_of(bytes, size);
    mkdir(target, 0777);
    snprintf(path, sizeof path, "%s/%02x%02x%02x%02x", target, digest[0], digest[1], digest[2], digest[3]);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
}

enum status __wrap_codec_decode(const void *bytes, size_t size, const struct image_limits *limits, struct image *image)
{
    const enum status rc = __real_codec_decode(bytes, size, limits, image);
    if (rc == STATUS_OK && size <= SEED_BYTES_MAX)
        keep(bytes, size);
    return rc;
}
