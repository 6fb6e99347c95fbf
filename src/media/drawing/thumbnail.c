// SPDX-License-Identifier: MIT
#include "media/drawing/thumbnail.h"

#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/picture/resample.h"
#include "media/picture/codec.h"

enum { QUALITY_BEST = 86, QUALITY_WORST = 40, QUALITY_STEP = 12 };

static const double bytes_a_pixel = 0.27; // of a dream's JPEG of middling quality, as measured: dreams are rich in detail
static const double usual_ratio = 4.0 / 3;

struct thumbnail_budget thumbnail_budget(size_t pictures, int most)
{
    const size_t bytes = THUMBNAIL_PAGE_BYTES / 4 * 3 / (pictures ? pictures : 1);
    const double side = sqrt((double)bytes / bytes_a_pixel * usual_ratio);
    return (struct thumbnail_budget){
        .side = side > most                 ? most
                : side < THUMBNAIL_SIDE_MIN ? THUMBNAIL_SIDE_MIN
                                            : (int)side,
        .bytes = bytes,
    };
}

static enum status make_uri(const void *jpeg, size_t size, char **uri)
{
    static const char head[] = "data:image/jpeg;base64,";
    TRY(ALLOCATE(*uri, sizeof head + (size + 2) / 3 * 4, "for a thumbnail"));
    memcpy(*uri, head, sizeof head);
    EVP_EncodeBlock((unsigned char *)*uri + sizeof head - 1, jpeg, (int)size);
    return STATUS_OK;
}

// To `side` pixels along the longer side, if it is longer. What only the full picture needs is dropped: profile, alpha, bits, tags.
static enum status shrink(struct image *image, int side)
{
    struct image small = {0};
    const int longest = image->width > image->height ? image->width : image->height;
    enum status rc = STATUS_OK;
    const struct image bare = {.width = image->width, .height = image->height, .rgb = image->rgb, .bits = 8, .format = image->format};
    image->rgb = NULL;
    image_destroy(image);
    *image = bare;
    if (longest <= side)
        return STATUS_OK;
    const double ratio = (double)side / longest;
    TRY_OUT(image_create(&small, (int)fmax(1, nearbyint(ratio * image->width)), (int)fmax(1, nearbyint(ratio * image->height))));
    TRY_OUT(resample(image->rgb, 3, image->width, image->height, small.rgb, small.width, small.height));
    image_replace(image, &small);
out:
    image_destroy(&small);
    return rc;
}

// Quality goes down before size does.
enum status thumbnail_make(struct image *image, const struct thumbnail_budget *budget, char **uri)
{
    void *jpeg = NULL;
    size_t size = 0;
    int side = budget->side, quality = QUALITY_BEST;
    enum status rc;
    *uri = NULL;
    TRY_OUT(shrink(image, side));
    for (;;) {
        TRY_OUT(codec_jpeg_bytes(quality, image, &jpeg, &size));
        if (size <= budget->bytes || side <= 16)
            break;
        free(jpeg);
        jpeg = NULL;
        quality -= QUALITY_STEP;
        if (quality < QUALITY_WORST) {
            quality = QUALITY_BEST - 2 * QUALITY_STEP;
            side = side * 3 / 4;
            TRY_OUT(shrink(image, side));
        }
    }
    rc = make_uri(jpeg, size, uri);
out:
    free(jpeg);
    return rc;
}
