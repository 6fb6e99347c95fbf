// SPDX-License-Identifier: MIT
// One picture in memory: float32 RGB, planar, in [-1, 1], and what its file needs to be written back the way it came.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/system/status.h"

enum image_format { IMAGE_FORMAT_PNG, IMAGE_FORMAT_TIFF, IMAGE_FORMAT_JPEG, IMAGE_FORMAT_OTHER };

// What the user should know of how a picture is read and written; of a set each kind is said once (coordinator/progress/notices.h).
enum image_notice {
    NOTICE_PAGES,     // more than the first
    NOTICE_PROFILE,   // of ICC
    NOTICE_INKS,      // CMYK
    NOTICE_CLIPPED,   // floats; light of HDR
    NOTICE_ALPHA,     // in a format without
    NOTICE_OCTAVES,   // fewer than asked for
    NOTICE_BASELINES, // none of those asked for
    NOTICE_SILENT,    // a target
    NOTICE_SAME,      // bytes as another's
    NOTICE_BANDS,     // which are red, green and blue
    NOTICE_RANGE,     // of values
    NOTICE_NO_DATA,   // in a part of it
    NOTICE_DAMAGE,    // that has been passed over
    NOTICE_READABLE,  // refused, though something is there
    NOTICE_TAGS,      // that do not come along
    NOTICE_KINDS
};

enum { IMAGE_NOTICE_MAX = 512 };

// What a file says of its picture besides the pixels, and what goes out with the dream.
struct image_tags {
    uint8_t *exif; // a block of EXIF as a file has it: a TIFF without pixels, with what else is known; upright; malloc'ed, or NULL
    size_t exif_size;
    char *xmp; // malloc'ed, or NULL
    size_t xmp_size;
    char *description; // malloc'ed, or NULL
    double density[2]; // pixels a metre, across and down; 0: not known
};

enum sample_kind { SAMPLE_UINT, SAMPLE_INT, SAMPLE_FLOAT };

struct sample_type {
    enum sample_kind kind;
    int bits;
};

// Of a TIFF: which of its values the dream is of.
struct image_raster {
    struct sample_type type; // bits 0: no raster
    int bands[3];            // samples that are red, green and blue, from 0
    double low, high;        // values that are -1 and 1
    bool keeps_file;         // the dream is written among other samples of the file, or instead of some: who decodes it gives `file`
    bool accepts_damage;     // what cannot be read of the file is no data, or 0
    size_t unread;           // samples of the dream that could not be read, which its file has nothing to say for
    void *file;              // malloc'ed; NULL: the dream is written without
    size_t file_size;
};

struct image {
    int width, height;        // pixels, each >= 1
    float *rgb;               // (3, height, width), sample / max * 2 - 1, sRGB
    uint16_t *alpha;          // (height, width), the file's own samples of 8 or 16 bits; NULL if the file has none
    uint16_t *black;          // (height, width), as alpha: of CMYK, until it is RGB; NULL
    int bits;                 // bits a sample in the file: 8, 16, or 32 for floats, whose alpha is kept in 16
    enum image_format format; // what the file was
    uint8_t *icc;             // ICC profile of RGB that the picture came in and goes out in, malloc'ed; NULL: sRGB
    size_t icc_size;          // bytes
    struct image_tags tags;
    struct image_raster raster;
    unsigned notices;              // a bit for each kind
    char notice[IMAGE_NOTICE_MAX]; // in words; empty: nothing
};

enum image_range { RANGE_AUTO, RANGE_TYPE, RANGE_VALUES, RANGE_PERCENTILES };

// What is left to the user: input.bands, input.range, input.damaged. Zeroed: nothing.
struct image_choice {
    int bands[3]; // that are red, green and blue, from 1; 0: the file says
    enum image_range range;
    double low, high;    // RANGE_VALUES, RANGE_PERCENTILES
    bool accepts_damage; // what is missing of a damaged picture is grey, instead of a refusal
    bool refused;        // with accepts_damage: without that it has been
    const char *alone;   // why no dream is written into a raster's file; "": it is not dreamed on; NULL: one is
};

// `bands`: "auto" or "4,3,2"; `range`: "auto", "type", "0,4000" or "p2,p98".
enum status image_choice_parse(struct image_choice *choice, const char *bands, const char *range) MUST_CHECK;

// Limits that hold before anything is allocated, both inclusive; and what is chosen.
struct image_limits {
    int side;        // pixels along one side
    uint64_t pixels; // width * height
    struct image_choice choice;
};

// Allocates rgb (contents undefined), no alpha; bits 8, format OTHER. On failure *image is zeroed.
enum status image_create(struct image *image, int width, int height) MUST_CHECK;

// Takes over size, rgb and alpha of `by`, which is left zeroed. Everything else stays as it is.
void image_replace(struct image *image, struct image *by);

// Adds to the notice, behind a semicolon where there is one already.
void image_notice(struct image *image, enum image_notice kind, const char *format, ...) PRINTF_LIKE(3, 4);

// The largest sample of alpha.
static inline int image_alpha_max(const struct image *image)
{
    return image->bits == 8 ? 255 : 65535;
}

// Frees what the image keeps of its file.
void image_drop_file(struct image *image);

// Frees what the image owns and zeroes it. A zeroed image is fine.
void image_destroy(struct image *image);
