// SPDX-License-Identifier: MIT
// What a page is made of, beside numbers found by hand: curves that are thinned out, channels, phases, and thumbnails within their budget.
#include <math.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/system/file.h"
#include "media/drawing/thumbnail.h"
#include "media/picture/codec.h"
#include "report/channels.h"
#include "report/curves.h"
#include "report/phases.h"
#include "run_file_check.h"
#include "run_file_rows.h"
#include "scratch.h"
#include "unit.h"

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void curves_have_room(void)
{
    CU_ASSERT_EQUAL(curves_budget(1, 14), CURVE_POINTS_MAX);
    CU_ASSERT_EQUAL(curves_budget(1000, 14), CURVE_NUMBERS_MAX / 14000);
    CU_ASSERT_EQUAL(curves_budget(100000, 14), 0);
    CU_ASSERT_EQUAL(curves_budget(0, 14), 0);
}

// 300 steps in two pictures, the second of which stopped half way.
static void curves_are_thinned_out(void)
{
    enum { STEPS = 300 };
    char path[FILE_PATH_MAX];
    struct run_file *file;
    struct curves curves;
    struct run_reader *input;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < STEPS; i++)
        for (int image = 0; image < (i < STEPS / 2 ? 2 : 1); image++) {
            const struct step_row step = {
                .image = image, .octave = i / 100, .step = i % 100, .loss = i + 1000 * image, .psnr = i == 0 ? (double)INFINITY : i};
            UNIT_OK(run_file_add_steps(file, &step, 1));
        }
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_reader_open(&input, path));
    UNIT_OK(curves_read(input, &curves));
    run_reader_close(&input);
    CU_ASSERT_EQUAL_FATAL(curves.curve_count, 2);
    CU_ASSERT(curves.curves[0].count == CURVE_POINTS_MAX && curves.curves[1].count == STEPS / 2 && curves.mean.count == CURVE_POINTS_MAX);
    const struct curve_point *mean = curves.points + curves.mean.first;
    CU_ASSERT(near(mean[0].values[0], 500) && mean[0].images == 2 && isnan(mean[0].values[measures_offset(3, targets)]));
    CU_ASSERT(mean[199].octave == 2 && mean[199].step == 99 && mean[199].position == 299 && mean[199].images == 1);
    CU_ASSERT(near(mean[199].values[0], 299));
    for (size_t p = 0; p < CURVE_POINTS_MAX; p++) {
        const struct curve_point *point = curves.points + curves.curves[0].first + p;
        CU_ASSERT(near(point->values[0], point->position) && point->octave * 100 + point->step == point->position);
    }
    curves_destroy(&curves);
    curves_destroy(&curves);
}

static void channels_by_size(void)
{
    const double values[] = {1, -5, NAN, 3, 3, -0.5, 0};
    struct channel picked[4], few[2];
    channels_pick(values, 7, picked, 4);
    CU_ASSERT(picked[0].number == 1 && picked[0].value == -5 && picked[1].number == 3 && picked[2].number == 4 && picked[3].number == 0);
    channels_pick(values, 1, few, 2);
    CU_ASSERT(few[0].number == 0 && few[1].number == -1);
}

static struct timing_row row_of(int rank, const char *phase, double seconds)
{
    struct timing_row row = {.rank = rank, .count = 1, .seconds = seconds, .bytes = 10};
    snprintf(row.phase, sizeof row.phase, "%s", phase);
    return row;
}

static void phases_by_hand(void)
{
    const struct timing_row rows[] = {row_of(0, "idle", 6),    row_of(0, "write", 2),   row_of(0, "decode", 100),
                                      row_of(1, "forward", 3), row_of(2, "forward", 5), row_of(1, "backward", 4),
                                      row_of(7, "forward", 9), row_of(2, "nonsense", 9)};
    struct phases phases;
    UNIT_OK(phases_make(rows, sizeof rows / sizeof rows[0], 3, 2, 10, &phases));
    CU_ASSERT(phases.groups[GROUP_WORKERS].ranks == 2 && phases.groups[GROUP_WORKERS].count == 2);
    const struct phase_row *forward = &phases.groups[GROUP_WORKERS].rows[0], *backward = forward + 1;
    CU_ASSERT(forward->phase == PHASE_FORWARD && forward->least == 3 && forward->mean == 4 && forward->most == 5);
    CU_ASSERT(near(forward->imbalance, 0.25) && near(forward->share, 0.4) && forward->bytes == 20);
    // One of the two never went backwards.
    CU_ASSERT(backward->least == 0 && backward->mean == 2 && backward->most == 4 && near(backward->imbalance, 1));
    CU_ASSERT(near(phases.groups[GROUP_WORKERS].other, 4));
    CU_ASSERT(phases.groups[GROUP_COORDINATOR].ranks == 1 && phases.groups[GROUP_COORDINATOR].count == 3);
    const struct phase_row *decode = &phases.groups[GROUP_COORDINATOR].rows[0];
    CU_ASSERT(decode->phase == PHASE_DECODE && decode->beside && near(phases.groups[GROUP_COORDINATOR].other, 2));
    // One process that is both.
    const struct timing_row alone[] = {row_of(0, "idle", 6), row_of(0, "forward", 2)};
    UNIT_OK(phases_make(alone, 2, 1, 1, 8, &phases));
    CU_ASSERT(phases.groups[GROUP_WORKERS].count == 1 && phases.groups[GROUP_COORDINATOR].count == 1);
    CU_ASSERT(phases.groups[GROUP_WORKERS].ranks == 1 && near(phases.groups[GROUP_WORKERS].rows[0].share, 0.25));
    UNIT_OK(phases_make(NULL, 0, 3, 2, 8, &phases));
    CU_ASSERT(phases.groups[GROUP_WORKERS].count == 0 && phases.groups[GROUP_WORKERS].other == 0);
}

static void budgets(void)
{
    const struct thumbnail_budget few = thumbnail_budget(3, 640), thousand = thumbnail_budget(3000, 640), none = thumbnail_budget(0, 640);
    CU_ASSERT(few.side == 640 && none.side == 640);
    CU_ASSERT(thousand.side > 140 && thousand.side < 180);
    CU_ASSERT(thousand.bytes * 4 / 3 * 3000 <= THUMBNAIL_PAGE_BYTES);
    CU_ASSERT(thumbnail_budget(1000000, 640).side == THUMBNAIL_SIDE_MIN);
}

// What a URI holds: a JPEG of that size.
static void expect_uri(const char *uri, int width, int height)
{
    static const char head[] = "data:image/jpeg;base64,";
    const struct image_limits limits = {.side = 1000, .pixels = 1000000};
    unsigned char bytes[8192];
    struct image image;
    const size_t length = strlen(uri) - strlen(head);
    CU_ASSERT_FATAL(strncmp(uri, head, strlen(head)) == 0 && length % 4 == 0 && length < sizeof bytes);
    const int size = EVP_DecodeBlock(bytes, (const unsigned char *)uri + strlen(head), (int)length);
    CU_ASSERT_FATAL(size > 0);
    UNIT_OK(codec_decode(bytes, (size_t)size, &limits, &image));
    CU_ASSERT(image.width == width && image.height == height && image.format == IMAGE_FORMAT_JPEG);
    image_destroy(&image);
}

// Noise is what JPEG makes least of.
static void thumbnails_keep_their_budget(void)
{
    const struct thumbnail_budget budget = {.side = 160, .bytes = 3000};
    struct image image;
    char *uri;
    uint32_t noise = 1;
    UNIT_OK(image_create(&image, 500, 333));
    for (size_t i = 0; i < 3 * 500 * 333; i++) {
        noise = noise * 1664525 + 1013904223;
        image.rgb[i] = (float)(noise >> 8) / (1 << 23) - 1;
    }
    image.icc = malloc(1);
    UNIT_OK(thumbnail_make(&image, &budget, &uri));
    CU_ASSERT(strlen(uri) <= 23 + (3000 + 2) / 3 * 4);
    CU_ASSERT(image.width <= 160 && image.width > image.height && image.icc == NULL);
    expect_uri(uri, image.width, image.height);
    free(uri);
    image_destroy(&image);
    UNIT_OK(image_create(&image, 40, 20)); // a small one stays as it is
    memset(image.rgb, 0, 3 * 40 * 20 * sizeof *image.rgb);
    UNIT_OK(thumbnail_make(&image, &budget, &uri));
    expect_uri(uri, 40, 20);
    free(uri);
    image_destroy(&image);
}

static const struct unit_test tests[] = {{"curves have room", curves_have_room},
                                         {"curves are thinned out", curves_are_thinned_out},
                                         {"channels by size", channels_by_size},
                                         {"phases by hand", phases_by_hand},
                                         {"budgets", budgets},
                                         {"thumbnails keep their budget", thumbnails_keep_their_budget}};

UNIT_MAIN_IN_SCRATCH("report_tables", tests)
