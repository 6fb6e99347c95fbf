// SPDX-License-Identifier: MIT
// Every kind of PNG that the specification has, written by libpng from a known pattern.
#include "probed.h"

#include "pictures.h"

enum { WIDTH = 37, HEIGHT = 21 }; // not whole bytes, not whole Adam7 blocks

struct kind {
    int type, bits;
    bool interlaced, transparent; // transparent: with a tRNS chunk
    int orientation;              // in an eXIf chunk; 0: there is none
    int long_texts;               // of 6 MB each, a few kilobytes in the file, before a description
};

static int channels_of(int type)
{
    return type == PNG_COLOR_TYPE_RGB ? 3 : type == PNG_COLOR_TYPE_RGBA ? 4 : type == PNG_COLOR_TYPE_GRAY_ALPHA ? 2 : 1;
}

static png_color palette_entry(int index)
{
    return (png_color){(png_byte)(index * 37), (png_byte)(255 - index), (png_byte)(index * 91)};
}

static void set_texts(png_structp png, png_infop info, int count)
{
    enum { BYTES = 6 << 20 };
    char comment[] = "Comment", key[] = "Description", description[] = "a field in May", *text = calloc(BYTES + 1, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, '-', BYTES);
    for (int i = 0; i < count; i++)
        png_set_text(png, info, &(png_text){.compression = PNG_TEXT_COMPRESSION_zTXt, .key = comment, .text = text}, 1);
    png_set_text(png, info, &(png_text){.compression = PNG_TEXT_COMPRESSION_NONE, .key = key, .text = description}, 1);
    free(text);
}

static void set_extras(png_structp png, png_infop info, const struct kind *kind)
{
    if (kind->type == PNG_COLOR_TYPE_PALETTE) {
        png_color palette[256];
        for (int i = 0; i < 1 << kind->bits; i++)
            palette[i] = palette_entry(i);
        png_set_PLTE(png, info, palette, 1 << kind->bits);
    }
    png_set_gAMA(png, info, 1 / 2.2); // as sRGB
    if (kind->orientation) {
        png_byte exif[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, (png_byte)kind->orientation, 0, 0};
        png_set_eXIf_1(png, info, sizeof exif, exif);
    }
    if (kind->long_texts)
        set_texts(png, info, kind->long_texts);
    if (!kind->transparent)
        return;
    png_byte alphas[2] = {0, 128};
    png_color_16 colour = {.red = (png_uint_16)pattern(0, 1, 0, kind->bits),
                           .green = (png_uint_16)pattern(1, 1, 0, kind->bits),
                           .blue = (png_uint_16)pattern(2, 1, 0, kind->bits),
                           .gray = (png_uint_16)pattern(0, 1, 0, kind->bits)};
    png_set_tRNS(png, info, alphas, 2, &colour);
}

static struct bytes make(const struct kind *kind)
{
    struct bytes file;
    FILE *stream = open_memstream((char **)&file.data, &file.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, stream);
    png_set_IHDR(png, info, WIDTH, HEIGHT, kind->bits, kind->type, kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    set_extras(png, info, kind);
    png_write_info(png, info);
    if (kind->bits == 16)
        png_set_swap(png);
    static uint16_t storage[HEIGHT][WIDTH * 4];
    png_bytep rows[HEIGHT];
    memset(storage, 0, sizeof storage);
    int channels = channels_of(kind->type);
    for (int y = 0; y < HEIGHT; y++) {
        rows[y] = (png_bytep)storage[y];
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < channels; c++)
                pack(rows[y], x * channels + c, kind->bits, pattern(c, x, y, kind->bits));
    }
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(stream);
    return file;
}

static bool matches_transparent(const struct kind *kind, int x, int y)
{
    bool match = true;
    for (int c = 0; c < channels_of(kind->type); c++)
        match = match && pattern(c, x, y, kind->bits) == pattern(c, 1, 0, kind->bits);
    return match;
}

static long expected(const struct kind *kind, int c, int x, int y)
{
    unsigned first = pattern(0, x, y, kind->bits);
    long full = kind->bits == 16 ? 65535 : 255;
    if (kind->type == PNG_COLOR_TYPE_PALETTE) {
        png_color entry = palette_entry((int)first);
        return c == 0 ? entry.red : c == 1 ? entry.green : c == 2 ? entry.blue : first == 0 ? 0 : first == 1 ? 128 : 255;
    }
    if (c == 3 && kind->transparent)
        return matches_transparent(kind, x, y) ? 0 : full;
    if (c == 3)
        return pattern(kind->type == PNG_COLOR_TYPE_RGBA ? 3 : 1, x, y, kind->bits);
    if (kind->type & PNG_COLOR_MASK_COLOR)
        return pattern(c, x, y, kind->bits);
    return kind->bits < 8 ? first * 255 / ((1u << kind->bits) - 1) : first;
}

static void check(const struct kind *kind)
{
    struct bytes file = make(kind);
    struct image image;
    UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
    bool alpha = kind->transparent || (kind->type & PNG_COLOR_MASK_ALPHA);
    CU_ASSERT_FATAL(image.width == WIDTH && image.height == HEIGHT && image.bits == (kind->bits == 16 ? 16 : 8));
    CU_ASSERT_EQUAL(image.format, IMAGE_FORMAT_PNG);
    CU_ASSERT_EQUAL_FATAL(image.alpha != NULL, alpha);
    int wrong = 0;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < (alpha ? 4 : 3); c++)
                wrong += sample_at(&image, c, x, y) != expected(kind, c, x, y);
    if (wrong)
        printf("\ntype %d, %d bits, interlaced %d, tRNS %d: %d samples are wrong", kind->type, kind->bits, kind->interlaced,
               kind->transparent, wrong);
    CU_ASSERT_EQUAL(wrong, 0);
    image_destroy(&image);
    free(file.data);
}

static void every_kind(void)
{
    static const struct {
        int type;
        int bits[6];
        bool may_be_transparent;
    } types[] = {{PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}, true},
                 {PNG_COLOR_TYPE_RGB, {8, 16}, true},
                 {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}, true},
                 {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}, false},
                 {PNG_COLOR_TYPE_RGBA, {8, 16}, false}};
    for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
        for (int b = 0; types[t].bits[b]; b++)
            for (int interlaced = 0; interlaced < 2; interlaced++)
                for (int transparent = 0; transparent <= types[t].may_be_transparent; transparent++)
                    check(&(struct kind){types[t].type, types[t].bits[b], interlaced, transparent, 0, 0});
}

static void orientation_is_undone(void)
{
    for (int o = 1; o <= 8; o++) {
        struct bytes file = make(&(struct kind){.type = PNG_COLOR_TYPE_RGBA, .bits = 8, .interlaced = o % 2, .orientation = o});
        expect_upright(&file, o, WIDTH, HEIGHT);
    }
}

// Changes one byte of the first chunk with this name, or of its length where `offset` is negative.
// A PNG of 8 bits with one chunk more, before its pixels.
static struct bytes with_chunk(const char *type, const void *content, size_t size)
{
    struct bytes file = make(&(struct kind){.type = PNG_COLOR_TYPE_RGBA, .bits = 8}), more;
    uint8_t *at = memmem(file.data, file.size, "IDAT", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    const size_t before = (size_t)(at - 4 - (uint8_t *)file.data);
    FILE *stream = open_memstream((char **)&more.data, &more.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
    fwrite(file.data, 1, before, stream);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_init_io(png, stream);
    png_write_chunk(png, (png_const_bytep)type, content, size);
    png_destroy_write_struct(&png, NULL);
    fwrite(at - 4, 1, file.size - before, stream);
    fclose(stream);
    free(file.data);
    return more;
}

// ImageMagick wrote EXIF as text before PNG had a chunk for it. Whatever else stands there turns nothing.
static void orientation_in_a_text(void)
{
    static const struct {
        const char *key, *text;
        int orientation;
    } cases[] = {
        {"Raw profile type exif", "\nexif\n      32\n457869660000 4d4d002a00000008000101120003\n000000010006000000000000\n", 6},
        {"Raw profile type APP1", "\napp1\n      28\n4578696600004D4D002A0000000800010112000300000001000500000000\n", 5},
        {"Raw profile type exif", "\nexif\n      26\n4d4d002a000000080001011200030000000100080000000000000000\n", 8},
        {"Raw profile type exif", "\nexif\n      99\n4d4d002a000000080001011200030000000100080000000000000000\n", 1},
        {"Raw profile type exif", "\nexif\n      28\n4d4d002a0000000800010112000300000001000800zz000000000000\n", 1},
        {"Raw profile type exif", "\nexif\n-1\n4d4d002a000000080001011200030000000100080000000000000000\n", 1},
        {"Raw profile type exif", "\nexif\n99999999999999999999\n4d4d", 1},
        {"Raw profile type exif", "exif", 1},
        {"Raw profile type exif", "", 1},
        {"Raw profile type iptc", "\niptc\n      26\n4d4d002a000000080001011200030000000100080000000000000000\n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char content[256];
        const size_t key = strlen(cases[i].key), text = strlen(cases[i].text);
        memcpy(content, cases[i].key, key + 1);
        memcpy(content + key + 1, cases[i].text, text);
        struct bytes file = with_chunk("tEXt", content, key + 1 + text);
        expect_upright(&file, cases[i].orientation, WIDTH, HEIGHT);
    }
}

// An animated PNG is its first picture, as viewers without animation show it.
static void texts_are_bounded_together(void)
{
    static const int counts[] = {2, 3, 50};
    for (int i = 0; i < 3; i++) {
        struct image image;
        struct bytes file = make(&(struct kind){.type = PNG_COLOR_TYPE_RGB, .bits = 8, .long_texts = counts[i]});
        CU_ASSERT(file.size < 1 << 20);
        decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_PNG, &image);
        CU_ASSERT_EQUAL(image.tags.description != NULL, i == 0);
        CU_ASSERT_STRING_EQUAL(image.notice, i == 0 ? "" : "some of its texts are left out: they are more than 16 MiB");
        image_destroy(&image);
    }
    enum { LONG = 20 << 20 };
    char *text = calloc(LONG, 1); // as long in the file, too
    struct image image;
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(text, "Description", 12);
    memset(text + 12, '-', LONG - 12);
    struct bytes file = with_chunk("tEXt", text, LONG);
    free(text);
    decode_whole(&file, WIDTH, HEIGHT, IMAGE_FORMAT_PNG, &image);
    CU_ASSERT_STRING_EQUAL(image.notice, "some of its texts are left out: they are more than 16 MiB");
    image_destroy(&image);
    file = with_chunk("iTXt", "Comment", 8); // which says that it has 2 GB: no memory is taken for that
    uint8_t *at = memmem(file.data, file.size, "iTXt", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[-4] = 0x7f;
    expect_refused(&file, &roomy, STATUS_FORMAT, "not a valid PNG: the file ends early");
    free(file.data);
}

static void frames_of_an_animation(void)
{
    for (uint8_t frames = 1; frames < 4; frames++) {
        struct bytes file = with_chunk("acTL", (uint8_t[8]){0, 0, 0, frames}, 8);
        struct image image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, frames == 1   ? ""
                                             : frames == 2 ? "2 frames: the first is taken"
                                                           : "3 frames: the first is taken");
        CU_ASSERT_EQUAL(image.notices, frames == 1 ? 0 : 1u << NOTICE_PAGES);
        image_destroy(&image);
        free(file.data);
    }
}

static void damage(struct bytes *file, const char *chunk, int offset)
{
    uint8_t *at = memmem(file->data, file->size, chunk, 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[offset] ^= 0x10;
}

static void damage_is_refused(void)
{
    static const struct {
        const char *chunk;
        int offset;
    } places[] = {{"IHDR", 7}, {"IHDR", 17}, {"gAMA", 8}, {"IDAT", 30}, {"IDAT", -4}, {"IEND", 4}, {"IEND", -1}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct bytes file = make(&(struct kind){PNG_COLOR_TYPE_RGB, 8, false, false, 0, 0});
        damage(&file, places[i].chunk, places[i].offset);
        expect_refused(&file, &roomy, STATUS_FORMAT, "not a valid PNG: ");
        free(file.data);
    }
}

static void lying_size_is_refused_by_the_limit(void)
{
    struct bytes file = make(&(struct kind){PNG_COLOR_TYPE_RGB, 8, true, false, 0, 0});
    uint8_t *header = (uint8_t *)file.data + 12; // type, width, height, ..., CRC
    memcpy(header + 4, "\0\0\xfd\xe8\0\0\xfd\xe8", 8);
    png_save_uint_32(header + 17, png_crc(header, 17));
    expect_refused(&file, &roomy, STATUS_LIMIT, "65000 x 65000");
    free(file.data);
}

// The photograph of 16 bits whose values are `value` of what sRGB has, with one chunk that says so.
static void check_colours(const char *type, const void *content, size_t size, double (*value)(double), int tolerance, const char *words)
{
    enum { HIGH = 40, WIDE = 64 };
    struct image part, image;
    struct bytes file;
    uint16_t row[3 * WIDE];
    photograph_part(&part, WIDE, HIGH, false);
    FILE *stream = open_memstream((char **)&file.data, &file.size);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, stream);
    png_set_IHDR(png, info, WIDE, HIGH, 16, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_write_chunk(png, (png_const_bytep)type, content, size);
    png_set_swap(png);
    for (int y = 0; y < HIGH; y++) {
        for (int x = 0; x < WIDE; x++)
            for (int c = 0; c < 3; c++)
                row[3 * x + c] = (uint16_t)lrint(65535 * value(((double)part.rgb[(c * HIGH + y) * WIDE + x] + 1) / 2));
        png_write_row(png, (png_const_bytep)row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(stream);
    for (int again = 0; again < 2; again++) { // as it comes, and as it comes out
        int worst = 0;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &image));
        for (int i = 0; i < 3 * WIDE * HIGH; i++) {
            const int off = abs((int)lrintf(image.rgb[i] * 127.5f) - (int)lrintf(part.rgb[i] * 127.5f));
            worst = off > worst ? off : worst;
        }
        if (worst > tolerance)
            printf("\n%s of %d, %d: off by %d", type, ((const uint8_t *)content)[1], again, worst);
        CU_ASSERT(worst <= tolerance);
        CU_ASSERT_PTR_NOT_NULL(strstr(image.notice, again ? "" : words));
        free(file.data);
        file = encoded(&image, IMAGE_FORMAT_PNG);
        image_destroy(&image);
    }
    free(file.data);
    image_destroy(&part);
}

static double power(double value)
{
    return pow(value, 2.2);
}

static double linear(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double same(double value)
{
    return value;
}

// SMPTE ST 2084, of white of 203 cd/m2.
static double pq(double value)
{
    const double light = pow(linear(value) * 203 / 10000, 0.1593017578125);
    return pow((0.8359375 + 18.8515625 * light) / (1 + 18.6875 * light), 78.84375);
}

static void colours_without_a_profile(void)
{
    static const uint8_t gamma_1[] = {0, 1, 0x86, 0xa0}, gamma_srgb[] = {0, 0, 0xb1, 0x8f}, gamma_rounded[] = {0, 0, 0xaf, 0xc8};
    check_colours("gAMA", gamma_1, 4, power, 2, "");
    check_colours("gAMA", gamma_srgb, 4, same, 0, "");
    check_colours("gAMA", gamma_rounded, 4, same, 0, "");
    check_colours("cICP", (uint8_t[]){1, 13, 0, 1}, 4, same, 0, "");
    check_colours("cICP", (uint8_t[]){1, 8, 0, 1}, 4, linear, 1, "");
    check_colours("cICP", (uint8_t[]){1, 16, 0, 1}, 4, pq, 2, "HDR (PQ): what is brighter than white, 203 cd/m2, is clipped");
    check_colours("cICP", (uint8_t[]){1, 99, 0, 1}, 4, same, 0, "the code points of its colours, 1/99/0, are ignored");
    // White whose y is 0, and sRGB's green where white is.
    static const uint32_t none[][8] = {
        {0}, {31270, 0, 64000, 33000, 30000, 60000, 15000, 6000}, {31270, 32900, 64000, 33000, 31270, 32900, 15000, 6000}};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        uint8_t chunk[32];
        for (size_t k = 0; k < sizeof chunk; k++)
            chunk[k] = (uint8_t)(none[i][k / 4] >> (24 - 8 * (k % 4)));
        check_colours("cHRM", chunk, 32, same, 0, "what it says of its colours is ignored");
    }
}

// Rows before the damage are there, where it is accepted.
static void accepted_damage(void)
{
    struct image_limits accepting = roomy;
    accepting.choice.accepts_damage = true;
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        struct bytes file = make(&(struct kind){PNG_COLOR_TYPE_RGB, 8, interlaced, false, 0, 0});
        struct image whole, image;
        UNIT_OK(codec_decode(file.data, file.size, &roomy, &whole));
        const struct bytes cut = {file.data, file.size - file.size / 3};
        expect_refused(&cut, &roomy, STATUS_FORMAT, "the file ends early");
        UNIT_OK(codec_decode(cut.data, cut.size, &accepting, &image));
        CU_ASSERT_STRING_EQUAL(image.notice, "damaged, what is missing is grey: the file ends early");
        CU_ASSERT(image.rgb[0] == whole.rgb[0]);
        CU_ASSERT(interlaced || image.rgb[WIDTH * HEIGHT - 1] == 0);
        image_destroy(&image);
        image_destroy(&whole);
        free(file.data);
    }
}

static const struct unit_test tests[] = {
    {"orientation in a text", orientation_in_a_text},
    {"texts are bounded together", texts_are_bounded_together},
    {"frames of an animation", frames_of_an_animation},
    {"colours without a profile", colours_without_a_profile},
    {"accepted damage", accepted_damage},
    {"every colour type, depth, interlacing and tRNS", every_kind},
    {"orientation is undone", orientation_is_undone},
    {"damage is refused", damage_is_refused},
    {"a lying 65000 x 65000 is refused by the limit", lying_size_is_refused_by_the_limit},
};
UNIT_MAIN("codec: PNG", tests)
