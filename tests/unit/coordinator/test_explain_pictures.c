// SPDX-License-Identifier: MIT
// The pictures beside explain.h5: their sizes, what their colours say, the sheet of all of them.
#include "coordinator/output/explain_pictures.h"

#include <hdf5.h>

#include "explain_arrays.h"
#include "media/picture/codec.h"

static void decode(const char *folder, const char *name, struct image *image)
{
    static const struct image_limits limits = {.side = 10000, .pixels = 100000000};
    char path[FILE_PATH_MAX];
    void *bytes;
    size_t size;
    UNIT_OK(file_join(path, folder, name));
    UNIT_OK(file_read(path, 1 << 28, &bytes, &size));
    UNIT_OK(codec_decode(bytes, size, &limits, image));
    free(bytes);
}

// Sample of 8 bits at a pixel of a decoded PNG.
static int sample(const struct image *image, int c, int x, int y)
{
    return (int)lround((image->rgb[(c * image->height + y) * image->width + x] + 1) * 127.5);
}

static enum status add_halves(struct explain_file *file, enum array_kind kind, float left, float right)
{
    struct array array = {.part = part_of(kind, -1, 0)};
    float values[3 * PIXELS];
    for (int i = 0; i < 3 * PIXELS; i++)
        values[i] = i % WIDTH < WIDTH / 2 ? left : right;
    array.values = values;
    return explain_file_add(file, &array);
}

static void test_pictures(void)
{
    char folder[FILE_PATH_MAX];
    struct image image;
    struct explain_file *file;
    const struct picture_metrics metrics = known_metrics();
    make_folder(folder, "pictures");
    UNIT_OK(create(&file, folder));
    UNIT_OK(add_halves(file, ARRAY_GRADIENT, 2e-9f, 0));
    UNIT_OK(add_halves(file, ARRAY_GUIDED_GRADIENT, NAN, -INFINITY)); // a network that diverged
    UNIT_OK(add_halves(file, ARRAY_SMOOTHGRAD, 0, 7));
    UNIT_OK(add_halves(file, ARRAY_EXPECTED_GRADIENTS, 0.5f, -0.5f));
    UNIT_OK(explain_file_finish(&file, &metrics));
    decode(folder, "gradient.png", &image);
    CU_ASSERT(image.width == WIDTH && image.height == HEIGHT);
    CU_ASSERT(sample(&image, 0, 5, 9) >= 253 && abs(sample(&image, 1, 30, 20) - 128) <= 1);
    image_destroy(&image);
    decode(folder, "saliency_smoothgrad.png", &image); // the ends of viridis
    CU_ASSERT(sample(&image, 0, 5, 9) == 0x44 && sample(&image, 1, 5, 9) == 0x01 && sample(&image, 2, 5, 9) == 0x54);
    CU_ASSERT(sample(&image, 0, 30, 9) >= 0xf8 && sample(&image, 1, 30, 9) >= 0xe5 && sample(&image, 2, 30, 9) <= 0x28);
    image_destroy(&image);
    decode(folder, "expected_gradients.png", &image); // red raises, blue lowers
    CU_ASSERT(sample(&image, 0, 5, 9) > 240 && sample(&image, 1, 5, 9) < 20 && sample(&image, 2, 35, 9) > 240 &&
              sample(&image, 0, 35, 9) < 20);
    image_destroy(&image);
}

// Where nothing raises or lowers the loss the picture's light is left, by BT.709, faint and grey.
static void test_paper(void)
{
    static const double luma[3] = {0.2126, 0.7152, 0.0722};
    char folder[FILE_PATH_MAX];
    const struct image_row record = {.source = "a.png", .sha256 = "0123abcd", .width = WIDTH, .height = HEIGHT};
    struct image image;
    struct explain_file *file;
    const struct picture_metrics metrics = known_metrics();
    for (int channel = 0; channel < 3; channel++) { // the picture is of this colour alone
        float rgb[3 * PIXELS];
        for (int i = 0; i < 3 * PIXELS; i++)
            rgb[i] = i / PIXELS == channel ? 1 : -1;
        make_folder(folder, channel == 0 ? "red" : channel == 1 ? "green" : "blue");
        UNIT_OK(explain_file_create(
            &file,
            &(struct explain_file_options){
                .folder = folder, .config = &config, .image = &record, .rgb = rgb, .weights_md5 = "d41d", .weights_source = "made up"}));
        UNIT_OK(add_halves(file, ARRAY_EXPECTED_GRADIENTS, 0.5f, 0));
        UNIT_OK(explain_file_finish(&file, &metrics));
        decode(folder, "expected_gradients.png", &image);
        const int expected = (int)lround(255 * (1 - 0.3 * (1 - luma[channel])));
        for (int c = 0; c < 3; c++)
            CU_ASSERT(abs(sample(&image, c, WIDTH - 3, 9) - expected) <= 1);
        image_destroy(&image);
    }
}

// Whether letters are in the strip above a cell's panel.
static bool has_label(const struct image *sheet, int row, int column)
{
    const int width = 480 + 8, height = 18 + 4 + 360 + 8;
    bool dark = false;
    for (int y = 8 + row * height; y < 8 + row * height + 18; y++)
        for (int x = 8 + column * width; x < 8 + column * width + 480; x++)
            dark = dark || sample(sheet, 1, x, y) < 100;
    return dark;
}

static void test_overview(void)
{
    char folder[FILE_PATH_MAX];
    struct image image;
    make_folder(folder, "overview");
    UNIT_OK(write_all(folder));
    decode(folder, "overview.png", &image);
    CU_ASSERT_FATAL(image.width == 5 * (480 + 8) + 8 && image.height == 4 * (18 + 4 + 360 + 8) + 8);
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 5; column++)
            CU_ASSERT_EQUAL(has_label(&image, row, column), row != 1 || (column > 0 && column < 3)); // no map of a class
    image_destroy(&image);
}

static void test_large_picture(void)
{
    enum { LARGE_WIDTH = 2400, LARGE_HEIGHT = 40 };
    char folder[FILE_PATH_MAX];
    struct image image;
    struct explain_file *file;
    const struct picture_metrics metrics = known_metrics();
    make_folder(folder, "large");
    UNIT_OK(create_sized(&file, folder, LARGE_WIDTH, LARGE_HEIGHT));
    struct array_part part = part_of(ARRAY_GRADIENT, -1, 0);
    part.width = part.columns = LARGE_WIDTH;
    part.height = part.rows = LARGE_HEIGHT;
    UNIT_OK(add_part(file, part));
    UNIT_OK(explain_file_finish(&file, &metrics));
    static const char *const names[] = {"gradient.png", "saliency.png"};
    for (int i = 0; i < 2; i++) {
        decode(folder, names[i], &image);
        CU_ASSERT(image.width == 1920 && image.height == 32);
        image_destroy(&image);
    }
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"pictures", test_pictures},
        {"paper", test_paper},
        {"overview", test_overview},
        {"a large picture", test_large_picture},
    };
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (!make_config() || !scratch_create())
        return 1;
    const int rc = unit_run("explain_pictures", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
