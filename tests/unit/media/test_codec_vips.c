// SPDX-License-Identifier: MIT
// What libvips reads: small files in tests/data/formats, and those that are easily made here.
#include "probed.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "media/picture/codec_formats.h"
#include "media/picture/signature.h"
#include "pictures.h"

enum { WIDTH = 40, HEIGHT = 27 }; // of the photograph in tests/data/formats

static struct bytes format(const char *name)
{
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof path, TEST_DATA "/formats/%s", name);
    return read_back(path);
}

static const char *const names[] = {"photo.webp", "photo.gif",     "photo.jxl", "photo.jp2",  "photo.heic",
                                    "photo.avif", "photo-10.avif", "photo.exr", "turned.webp"};
enum { NAMES = sizeof names / sizeof names[0] };

#ifdef ONEIROS_VIPS
// Asked once for each reading that fails.
static atomic_int failures;
char *vips_error_buffer_copy(void);
char *vips_error_buffer_copy(void)
{
    char *(*asked)(void);
    *(void **)&asked = dlsym(RTLD_NEXT, "vips_error_buffer_copy");
    atomic_fetch_add(&failures, 1);
    return asked();
}

// A libvips may lack a loader, or that its codec; then it says so.
static bool is_read(const char *name, const struct bytes *file)
{
    struct image image;
    const bool read = codec_decode(file->data, file->size, &roomy, &image) != STATUS_UNSUPPORTED;
    if (!read)
        printf("(%s: %s) ", name, status_message());
    image_destroy(&image);
    return read;
}

// The upper left part of two pictures, where either is opaque.
static double most_apart(const struct image *a, const struct image *b)
{
    double most = 0;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < a->height; y++)
            for (int x = 0; x < a->width; x++) {
                const double one = a->rgb[(c * a->height + y) * a->width + x], other = b->rgb[(c * b->height + y) * b->width + x];
                most = fmax(most, fabs(one - other) * 127.5);
            }
    return most;
}

static void files_are_the_photograph(void)
{
    static const struct {
        int bits;
        bool alpha;
        double most, mean; // differences, of 255
    } wanted[NAMES] = {{8, false, 0.01, 0.01}, {8, false, 30, 5},  {8, false, 0.01, 0.01}, {8, false, 0.01, 0.01}, {8, false, 60, 6},
                       {8, false, 60, 6},      {16, false, 20, 3}, {32, true, 1, 0.5},     {8, false, 0.01, 0.01}};
    struct image photo, image;
    struct bytes file = format("photo.png");
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &photo));
    free(file.data);
    for (int i = 0; i < NAMES; i++) {
        file = format(names[i]);
        const bool part = wanted[i].bits == 32;
        if (is_read(names[i], &file)) {
            UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
            CU_ASSERT_FATAL(image.width == (part ? 20 : WIDTH) && image.height == (part ? 13 : HEIGHT));
            CU_ASSERT(image.bits == wanted[i].bits && !image.alpha == !wanted[i].alpha && image.format == IMAGE_FORMAT_OTHER);
            const double most = most_apart(&image, &photo), mean = part ? 0 : difference(&image, &photo);
            if (most > wanted[i].most || mean > wanted[i].mean)
                printf("\n%s: %g at most, %g on average", names[i], most, mean);
            CU_ASSERT(most <= wanted[i].most && mean <= wanted[i].mean);
            CU_ASSERT_STRING_EQUAL(image.notice, "");
            if (part)
                CU_ASSERT(image.alpha[0] == 16384 && image.alpha[19] == 65535); // 0.25 and 1
            image_destroy(&image);
            expect_limits(&file, part ? 20 : WIDTH, part ? 13 : HEIGHT);
        }
        free(file.data);
    }
    image_destroy(&photo);
}

static void the_first_frame_is_taken(void)
{
    struct image image;
    struct bytes file = format("animated.webp");
    decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
    CU_ASSERT_STRING_EQUAL(image.notice, "2 frames: the first is taken");
    image_destroy(&image);
}

static void tags_come_along(void)
{
    struct image image;
    struct bytes file = format("turned.webp");
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    CU_ASSERT_FATAL(image.tags.exif != NULL);
    CU_ASSERT(memcmp(image.tags.exif, "Exif", 4) != 0);
    CU_ASSERT_EQUAL(exif_orientation(image.tags.exif, image.tags.exif_size), 1);
    image_destroy(&image);
    free(file.data);
}

static float linear(float value)
{
    return value <= 0.0031308f ? 12.92f * value : 1.055f * powf(value, 1 / 2.4f) - 0.055f;
}

// A picture whose box of colours, of "unspecified" ones, gets these numbers.
static void check_colours(int primaries, int curve, bool has_profile, float (*expected)(float), const char *notice)
{
    struct bytes file = format("photo-10.avif");
    struct image before, after;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &before));
    uint8_t *box = memmem(file.data, file.size, "colrnclx\0\2\0\2", 12);
    CU_ASSERT_PTR_NOT_NULL_FATAL(box);
    box[9] = (uint8_t)primaries;
    box[11] = (uint8_t)curve;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &after));
    double most = 0;
    for (int i = 0; expected && i < 3 * WIDTH * HEIGHT; i++)
        most = fmax(most, fabs((after.rgb[i] + 1) / 2 - expected((before.rgb[i] + 1) / 2)));
    CU_ASSERT(most < 0.004);
    CU_ASSERT_EQUAL(after.icc != NULL, has_profile);
    CU_ASSERT(strncmp(after.notice, notice, strlen(notice)) == 0 && (notice[0] || !after.notice[0]));
    image_destroy(&before);
    image_destroy(&after);
    free(file.data);
}

static float same(float value)
{
    return value;
}

static void code_points_are_followed(void)
{
    struct bytes file = format("photo-10.avif");
    if (is_read("photo-10.avif", &file)) {
        check_colours(1, 13, false, same, "");
        check_colours(5, 6, false, same, ""); // as Android writes for sRGB
        check_colours(1, 8, true, linear, "");
        check_colours(12, 13, true, NULL, "");
        check_colours(9, 16, false, NULL, "HDR (PQ): what is brighter than white, 203 cd/m2, is clipped");
        check_colours(9, 18, false, NULL, "HDR (HLG): what is brighter");
        check_colours(22, 13, false, same, "the code points of its colours, 22/13, are ignored");
    }
    free(file.data);
}

// Boxes that end early or lie about where they end.
static void boxes_are_bounded(void)
{
    static const char start[] = "\0\0\0\10ftyp\0\0\0\70meta\0\0\0\0\0\0\0\54iprp\0\0\0\44ipco";
    static const char colour[] = "\0\0\0\23colrnclx\0\11\0\20\0\11\200", other[] = "\0\0\0\11skip";
    enum { SIZE = sizeof start + sizeof other + sizeof colour - 2 };
    uint8_t bytes[SIZE], *copy;
    int primaries = 0, curve = 0;
    memcpy(bytes, start, sizeof start - 1);
    memcpy(bytes + sizeof start - 1, other, sizeof other);
    memcpy(bytes + SIZE - sizeof colour + 1, colour, sizeof colour - 1);
    CU_ASSERT(color_find_code_points(bytes, SIZE, &primaries, &curve) && primaries == 9 && curve == 16);
    for (size_t cut = 0; cut < SIZE; cut++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL((copy = malloc(cut + 1)));
        memcpy(copy, bytes, cut);
        CU_ASSERT_FALSE(color_find_code_points(copy, cut, &primaries, &curve));
        free(copy);
    }
    for (size_t i = 0; i < SIZE; i++)
        for (int value = 0; value < 256; value += 51) {
            const uint8_t was = bytes[i];
            bytes[i] = (uint8_t)value;
            (void)color_find_code_points(bytes, SIZE, &primaries, &curve);
            bytes[i] = was;
        }
}

// A text, and bytes behind it.
static struct bytes made(const char *head, const void *bytes, size_t size)
{
    struct bytes file = {malloc(strlen(head) + size + 1), strlen(head) + size};
    CU_ASSERT_PTR_NOT_NULL_FATAL(file.data);
    memcpy(file.data, head, strlen(head));
    memcpy((char *)file.data + strlen(head), bytes, size);
    return file;
}

// Decodes and frees a file whose samples, of 0..1, are these: red, green and blue of one pixel after the other, row by row.
static void expect_samples(struct bytes file, const struct image_limits *limits, const char *notice, int count, ...)
{
    struct image image;
    va_list args;
    UNIT_OK(codec_decode(file.data, file.size, limits, &image));
    free(file.data);
    const int plane = image.width * image.height;
    CU_ASSERT_EQUAL_FATAL(count, 3 * plane);
    va_start(args, count);
    for (int i = 0; i < count; i++) {
        const double sample = va_arg(args, double), got = (image.rgb[i % 3 * plane + i / 3] + 1) / 2;
        if (fabs(got - sample) > 1e-4)
            printf("\nsample %d: %g, not %g", i, got, sample);
        CU_ASSERT(fabs(got - sample) <= 1e-4);
    }
    va_end(args);
    if (!strstr(image.notice, notice) || (!notice[0] && image.notice[0]))
        printf("\n'%s', not '%s'", image.notice, notice);
    CU_ASSERT(strstr(image.notice, notice) && (notice[0] || !image.notice[0]));
    image_destroy(&image);
}

static void pfm(void)
{
    static const float light[] = {0.5f, 0, 2, 1, 0.21586050f, NAN};
    // From the bottom up, and light: 0.2158605 is 128 of 255 in sRGB; no number is a grey.
    // Behind ten bytes, where no float should lie.
    expect_samples(made("PF\n1 2\n-1\n", light, sizeof light), &roomy, "outside 0..1", 6, 1., 0.501961, 0.735357, 0.735357, 0., 1.);
    expect_samples(made("Pf\n1 1\n-1.0\n", light, 4), &(struct image_limits){10, 10, {.range = RANGE_VALUES, .high = 2}}, "", 3, 0.537099,
                   0.537099, 0.537099);
}

static void radiance(void)
{
    // As the reference has it, a mantissa stands for half a step more.
    expect_samples(made("#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n", "\x80\x40\0\x80\xff\xff\xff\x88", 8), &roomy, "outside 0..1",
                   6, 0.736642, 0.539022, 0.025234, 1., 1., 1.);
    struct bytes xyz = made("#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 1 +X 1\n", "\x80\x40\0\x80", 4);
    expect_refused(&xyz, &roomy, STATUS_UNSUPPORTED, "CIE XYZ");
    free(xyz.data);
}

// Of 2 x 2 pixels in `planes` planes.
static struct bytes fits_of(int bitpix, int planes, const void *samples)
{
    enum { BLOCK = 2880, CARD = 80 };
    char head[BLOCK + 1], data[BLOCK] = {0};
    memset(head, ' ', BLOCK);
    head[BLOCK] = '\0';
    const struct {
        const char *key;
        int value;
    } cards[] = {{"BITPIX", bitpix}, {"NAXIS", planes > 1 ? 3 : 2}, {"NAXIS1", 2}, {"NAXIS2", 2}, {"NAXIS3", planes}};
    memcpy(head, "SIMPLE  =                    T", 30);
    for (int i = 0; i < (planes > 1 ? 5 : 4); i++) {
        char card[CARD + 1];
        memcpy(head + (i + 1) * CARD, card, (size_t)snprintf(card, sizeof card, "%-8s= %20d", cards[i].key, cards[i].value));
    }
    memcpy(head + 6 * CARD, "END", 3);
    memcpy(data, samples, (size_t)(abs(bitpix) / 8 * 4 * planes));
    return made(head, data, BLOCK);
}

static void fits(void)
{
    static const uint8_t bytes[16] = {0, 51, 102, 255, 51, 51, 51, 51, 102, 102, 102, 102, 153, 153, 153, 204};
    static const uint8_t counts[8] = {0xff, 0xff, 0, 1, 0, 3, 0, 9}; // -1, 1, 3, 9
    const struct image_limits chosen = {10, 10, {.bands = {4, 3, 2}}}, lacking = {10, 10, {.bands = {5, 3, 2}}};
    expect_samples(fits_of(8, 1, bytes), &roomy, "", 12, 0.4, 0.4, 0.4, 1., 1., 1., 0., 0., 0., 0.2, 0.2, 0.2); // from the bottom up
    expect_samples(fits_of(16, 1, counts), &roomy, "-1 and 9, the percentiles 2 and 98", 12, 0.4, 0.4, 0.4, 1., 1., 1., 0., 0., 0., 0.2,
                   0.2, 0.2);
    expect_samples(fits_of(16, 1, counts), &(struct image_limits){10, 10, {.range = RANGE_VALUES, .low = -1, .high = 4}}, "are clipped", 12,
                   0.8, 0.8, 0.8, 1., 1., 1., 0., 0., 0., 0.4, 0.4, 0.4);
    expect_samples(fits_of(8, 4, bytes), &roomy, "4 bands: 1, 2 and 3 are red, green and blue", 12, 0.4, 0.2, 0.4, 1., 0.2, 0.4, 0., 0.2,
                   0.4, 0.2, 0.2, 0.4);
    expect_samples(fits_of(8, 4, bytes), &chosen, "4 bands: 4, 3 and 2", 12, 0.6, 0.4, 0.2, 0.8, 0.4, 0.2, 0.6, 0.4, 0.2, 0.6, 0.4, 0.2);
    struct bytes file = fits_of(8, 4, bytes);
    expect_refused(&file, &lacking, STATUS_FORMAT, "input.bands names band 5, and there are 4");
    free(file.data);
}

// Small files that say they are large.
static void bombs_are_refused(void)
{
    static const char *const heads[] = {"Pf\n60000 60000\n-1.0\n", "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n"};
    struct bytes file;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        file = made(heads[i], "", 1);
        expect_refused(&file, &roomy, STATUS_LIMIT, "60000 x 60000 pixels; the limit is 20000 a side");
        free(file.data);
    }
    file = format("photo.jp2");
    uint8_t *sizes = memmem(file.data, file.size, "\xff\x4f\xff\x51", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sizes);
    memcpy(sizes + 8, "\0\0\xea\x60\0\0\xea\x60", 8); // of the picture
    uint8_t *box = memmem(file.data, file.size, "ihdr", 4);
    memcpy(box + 4, "\0\0\xea\x60\0\0\xea\x60", 8);
    memcpy(sizes + 24, "\0\0\xea\x60\0\0\xea\x60", 8); // and its only tile
    expect_refused(&file, &roomy, STATUS_LIMIT, "60000 x 60000 pixels");
    free(file.data);
    file = fits_of(8, 1, "abcd");
    memcpy(strstr(file.data, "NAXIS1") + 25, "60000", 5);
    expect_refused(&file, &roomy, STATUS_LIMIT, "60000 x 2 pixels");
    free(file.data);
}

// What is missing is an error, or the rest of it a guess, with a notice.
static void damage_may_be_accepted(void)
{
    struct image_limits accepting = roomy;
    accepting.choice.accepts_damage = true;
    struct bytes file = made("Pf\n1 2\n-1\n", "abcd", 4), gif = format("photo.gif");
    struct image image;
    expect_refused(&file, &roomy, STATUS_FORMAT, "not a valid PFM: it ends early");
    free(file.data);
    failures = 0;
    expect_refused(&(struct bytes){gif.data, gif.size / 2}, &roomy, STATUS_FORMAT, "not a valid GIF: gifload: Unexpected end");
    CU_ASSERT_EQUAL(failures, 2); // one of its header, one of itself
    UNIT_OK(codec_decode(gif.data, gif.size / 2, &accepting, &image));
    CU_ASSERT_EQUAL(failures, 3);
    CU_ASSERT(image.width == WIDTH && strstr(image.notice, "damaged: what cannot be read is black, or a guess (not a valid GIF"));
    image_destroy(&image);
    accepting.choice.refused = true;
    UNIT_OK(codec_decode(gif.data, gif.size / 2, &accepting, &image));
    CU_ASSERT_EQUAL(failures, 3);
    image_destroy(&image);
    free(gif.data);
}

// Loaders of libvips are many; what is no picture of ours reaches none, whatever its name says, and messages name no path.
static void no_other_loader_is_asked(void)
{
    static const char *const others[] = {"<svg width=\"9\" height=\"9\"/>", "1,2\n3,4\n", "%PDF-1.4\n",
                                         "push graphic-context\n",          "8BPS\0\1",   "MATLAB 5.0 MAT-file, Platform"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct bytes file = made(others[i], "", 1);
        expect_refused(&file, &roomy, STATUS_FORMAT, "look");
        free(file.data);
    }
    struct bytes file = format("photo.exr");
    expect_refused(&(struct bytes){file.data, file.size - 9}, &roomy, STATUS_FORMAT, "Early end of file");
    CU_ASSERT_PTR_NULL(strstr(status_message(), "/proc"));
    free(file.data);
}

// A file that comes out of a pipe.
struct slow {
    struct codec_source source;
    struct codec_header header;
    enum status rc;
    bool read;
};

static void *probe_slow(void *data)
{
    struct slow *slow = data;
    slow->rc = codec_vips_probe(&slow->source, &roomy, &slow->header);
    slow->read = true;
    return NULL;
}

// One that takes long to read holds no other up.
static void pictures_are_read_at_once(void)
{
    struct slow slow = {.source = {.size = 3, .start = "Pf\n", .start_size = 3}};
    int ends[2];
    pthread_t thread;
    struct image image;
    CU_ASSERT_FATAL(pipe(ends) == 0 && write(ends[1], "Pf\n", 3) == 3);
    slow.source.descriptor = ends[0];
    CU_ASSERT_FATAL(pthread_create(&thread, NULL, probe_slow, &slow) == 0);
    for (int left = 1; ioctl(ends[0], FIONREAD, &left) == 0 && left > 0;) // until it is at it
        usleep(1000);
    struct bytes file = format("photo.webp");
    decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_OTHER, &image);
    image_destroy(&image);
    CU_ASSERT_FALSE(slow.read);
    CU_ASSERT(write(ends[1], "2 3\n-1\nabcd", 11) == 11);
    close(ends[1]);
    pthread_join(thread, NULL);
    CU_ASSERT(slow.rc == STATUS_OK && slow.header.width == 2 && slow.header.height == 3);
    close(ends[0]);
}

// A damaged file, and what must be said of it again and again.
struct damaged {
    struct bytes file;
    const char *words;
    int wrong; // times
};

static void *fail_often(void *data)
{
    struct damaged *damaged = data;
    struct image image;
    for (int i = 0; i < 30; i++) {
        const bool refused = codec_decode(damaged->file.data, damaged->file.size, &roomy, &image) == STATUS_FORMAT;
        damaged->wrong += !refused || !strstr(status_message(), damaged->words);
    }
    return NULL;
}

// What libvips says, which is in one place for all threads, is said of the file that it is about.
static void failures_are_not_mixed(void)
{
    enum { FILES = 3 };
    struct damaged files[FILES] = {{format("photo.gif"), "gifload: Unexpected end", 0},
                                   {format("photo.exr"), "Early end of file", 0},
                                   {made("Pf\n1 2\n-1\n", "abcd", 4), "not a valid PFM: ", 0}};
    pthread_t threads[FILES];
    files[0].file.size /= 2;
    files[1].file.size -= 9;
    for (int i = 0; i < FILES; i++)
        CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, fail_often, &files[i]) == 0);
    for (int i = 0; i < FILES; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(files[i].wrong, 0);
        free(files[i].file.data);
    }
}

static const struct unit_test tests[] = {
    {"files are the photograph", files_are_the_photograph},
    {"the first frame is taken", the_first_frame_is_taken},
    {"tags come along", tags_come_along},
    {"code points are followed", code_points_are_followed},
    {"boxes are bounded", boxes_are_bounded},
    {"PFM", pfm},
    {"Radiance", radiance},
    {"FITS", fits},
    {"bombs are refused", bombs_are_refused},
    {"damage may be accepted", damage_may_be_accepted},
    {"no other loader is asked", no_other_loader_is_asked},
    {"pictures are read at once", pictures_are_read_at_once},
    {"failures are not mixed", failures_are_not_mixed},
};
#else
static void all_are_refused_by_name(void)
{
    char known[256];
    for (int i = 0; i < NAMES; i++) {
        struct bytes file = format(names[i]);
        expect_refused(&file, &roomy, STATUS_UNSUPPORTED, "built without libvips");
        CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), signature_find(file.data, file.size)->name));
        free(file.data);
    }
    signature_list(known, sizeof known);
    CU_ASSERT_STRING_EQUAL(known, "PNG, TIFF, JPEG, BMP, Netpbm, TGA");
}

static const struct unit_test tests[] = {{"all are refused by name", all_are_refused_by_name}};
#endif
UNIT_MAIN("codec: libvips", tests)
