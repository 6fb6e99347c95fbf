// SPDX-License-Identifier: MIT
// Thumbnails: as large as asked for, of the picture's shape, and within their bytes.
#include "media/drawing/thumbnail.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "media/picture/codec.h"
#include "unit.h"

// Noise, which compresses badly.
static void make_noise(struct image *image, int width, int height)
{
    uint32_t state = 1;
    UNIT_OK(image_create(image, width, height));
    image->bits = 8;
    for (int i = 0; i < 3 * width * height; i++) {
        state = state * 1664525u + 1013904223u;
        image->rgb[i] = (float)(state >> 8) / (1 << 23) - 1;
    }
}

// Bytes of the JPEG, and the picture that it is.
static size_t make(int width, int height, struct thumbnail_budget budget, struct image *thumbnail)
{
    static const char head[] = "data:image/jpeg;base64,";
    static const struct image_limits limits = {.side = 10000, .pixels = 10000000};
    struct image image;
    char *uri;
    make_noise(&image, width, height);
    image.alpha = calloc((size_t)width * (size_t)height, sizeof *image.alpha);
    UNIT_OK(thumbnail_make(&image, &budget, &uri));
    image_destroy(&image);
    CU_ASSERT_FATAL(strncmp(uri, head, sizeof head - 1) == 0);
    const char *text = uri + sizeof head - 1;
    const size_t length = strlen(text), fill = strcspn(text, "=") < length ? length - strcspn(text, "=") : 0;
    unsigned char *bytes = malloc(length);
    const int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
    CU_ASSERT_FATAL(decoded > 0);
    const size_t size = (size_t)decoded - fill;
    UNIT_OK(codec_decode(bytes, size, &limits, thumbnail));
    free(bytes);
    free(uri);
    return size;
}

static void test_sizes(void)
{
    static const int cases[][5] = {{400, 300, 200, 200, 150}, {300, 400, 200, 150, 200}, {120, 90, 200, 120, 90}, {900, 3, 300, 300, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct image thumbnail;
        make(cases[i][0], cases[i][1], (struct thumbnail_budget){.side = cases[i][2], .bytes = 1 << 20}, &thumbnail);
        CU_ASSERT(thumbnail.width == cases[i][3] && thumbnail.height == cases[i][4] && !thumbnail.alpha);
        image_destroy(&thumbnail);
    }
}

// First quality goes, then size; the shape stays.
static void test_bytes(void)
{
    int before = 401;
    for (size_t bytes = 64 << 10; bytes >= 2 << 10; bytes /= 2) {
        struct image thumbnail;
        CU_ASSERT(make(400, 300, (struct thumbnail_budget){.side = 400, .bytes = bytes}, &thumbnail) <= bytes);
        CU_ASSERT(thumbnail.width <= before && abs(thumbnail.width * 3 - thumbnail.height * 4) <= 6);
        before = thumbnail.width;
        image_destroy(&thumbnail);
    }
    CU_ASSERT(before < 200);
}

// Many pictures share a page.
static void test_budget(void)
{
    const struct thumbnail_budget one = thumbnail_budget(1, 640), none = thumbnail_budget(0, 640), many = thumbnail_budget(100000, 640);
    CU_ASSERT(one.side == 640 && none.side == 640 && many.side == THUMBNAIL_SIDE_MIN);
    for (size_t pictures = 1; pictures < 100000; pictures *= 7) {
        const struct thumbnail_budget budget = thumbnail_budget(pictures, 640);
        CU_ASSERT(budget.bytes * pictures <= THUMBNAIL_PAGE_BYTES / 4 * 3 && budget.side >= THUMBNAIL_SIDE_MIN && budget.side <= 640);
    }
}

static const struct unit_test tests[] = {
    {"sizes", test_sizes},
    {"bytes", test_bytes},
    {"budget", test_budget},
};
UNIT_MAIN("thumbnail", tests)
