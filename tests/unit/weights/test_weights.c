// SPDX-License-Identifier: MIT
// Weights that are read: folding, and every way in which Keras has written such files.
#include <math.h>
#include <time.h>

#include "kernels/network/parameters.h"
#include "weights/weights.h"
#include "weights_reading.h"

static struct weights_info info;

enum { NAME = FIXTURE_NAME };

static void read_file(const char *path)
{
    memset(weights, 0xff, parameters_count(network_inception_v3()) * sizeof *weights);
    UNIT_OK(weights_read(path, network_inception_v3(), weights, &info));
}

// One convolution against the formula, element by element.
static void check_conv(int conv)
{
    const struct network *network = network_inception_v3();
    struct keras_shape shape = keras_shape(network, conv, KERAS_KERNEL);
    int height = shape.dims[0], width = shape.dims[1], in = shape.dims[2], out = shape.dims[3], wrong = 0;
    const float *kernel = parameters_kernel(network, weights, conv), *bias = parameters_bias(network, weights, conv);
    float *const *parts = fixture.values[conv].parts;
    for (int o = 0; o < out; o++) {
        double root = sqrt((double)parts[KERAS_VARIANCE][o] + 1e-3);
        wrong += !(fabs(bias[o] - (parts[KERAS_BETA][o] - parts[KERAS_MEAN][o] / root)) < 1e-5);
        for (int i = 0; i < in; i++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) {
                    double want = parts[KERAS_KERNEL][((y * width + x) * in + i) * out + o] / root;
                    wrong += !(fabs(kernel[((o * in + i) * height + y) * width + x] - want) <= 1e-6 * fabs(want));
                }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void test_layout(void)
{
    const struct network *network = network_inception_v3();
    size_t at = 0;
    for (int conv = 0; conv < network->conv_count; conv++) {
        CU_ASSERT_PTR_EQUAL(parameters_kernel(network, weights, conv), weights + at);
        at += keras_part_count(network, conv, KERAS_KERNEL);
        CU_ASSERT_PTR_EQUAL(parameters_bias(network, weights, conv), weights + at);
        at += keras_part_count(network, conv, KERAS_BETA);
    }
    CU_ASSERT_EQUAL(at, 21768352); // Keras's 21,802,784 without mean and variance
    CU_ASSERT_PTR_EQUAL(parameters_top_kernel(network, weights), weights + at);
    CU_ASSERT_PTR_EQUAL(parameters_top_bias(network, weights), weights + at + 1000 * 2048);
    CU_ASSERT_EQUAL(parameters_count(network), at + 1000 * 2048 + 1000 + 1);
}

static void test_folding(void)
{
    read_file(fixture.path);
    for (int conv = 0; conv < network_inception_v3()->conv_count; conv++)
        check_conv(conv);
}

static void test_info(void)
{
    char md5[33];
    struct stat status;
    read_file(fixture.path);
    UNIT_OK(file_md5(fixture.path, md5));
    CU_ASSERT_EQUAL(stat(fixture.path, &status), 0);
    CU_ASSERT_STRING_EQUAL(info.md5, md5);
    CU_ASSERT_STRING_EQUAL(info.path, fixture.path);
    CU_ASSERT_STRING_EQUAL(info.source, "made up for a test");
    CU_ASSERT_EQUAL(info.bytes, (uint64_t)status.st_size);
    CU_ASSERT_EQUAL(info.classes, 0);
    UNIT_OK(read_weights(fixture.path));
}

static void test_same_bytes(void)
{
    char path[FILE_PATH_MAX], first[33], second[33];
    struct stat status;
    UNIT_OK(file_join(path, scratch, "again.h5"));
    CU_ASSERT_EQUAL_FATAL(stat(fixture.path, &status), 0);
    while (time(NULL) <= status.st_mtime) // times would show
        usleep(10000);
    UNIT_OK(keras_write(path, network_inception_v3(), &(struct keras_model){.convs = fixture.values, .source = "made up for a test"}));
    UNIT_OK(file_md5(fixture.path, first));
    UNIT_OK(file_md5(path, second));
    CU_ASSERT_STRING_EQUAL(first, second);
}

// Renames all layers to what a process would call them whose numbers start at `first`; 0 leaves the first number out.
static void rename_layers(hid_t file, int first)
{
    enum { COUNT = 2 * 94 };
    static char names[COUNT][NAME];
    const char *const bases[] = {KERAS_CONV, KERAS_NORM};
    memset(names, 0, sizeof names);
    for (int i = COUNT - 1; i >= 0; i--) { // the last first, so that no two ever have the same name
        char before[NAME];
        int number = first + i / 2;
        snprintf(before, sizeof before, "%s_%d", bases[i % 2], i / 2 + 1);
        snprintf(names[i], NAME, number == 0 ? "%s" : "%s_%d", bases[i % 2], number);
        CU_ASSERT_FATAL(H5Lmove(file, before, file, "moving", H5P_DEFAULT, H5P_DEFAULT) >= 0);
        snprintf(before, sizeof before, "renamed_%d", i);
        CU_ASSERT_FATAL(H5Lmove(file, "moving", file, before, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    }
    for (int i = 0; i < COUNT; i++) {
        char before[NAME];
        snprintf(before, sizeof before, "renamed_%d", i);
        CU_ASSERT_FATAL(H5Lmove(file, before, file, names[i], H5P_DEFAULT, H5P_DEFAULT) >= 0);
    }
    for (int i = 0; i < COUNT / 2; i++) { // Keras lists layers by depth, not by creation
        char swap[NAME];
        int other = (i * 37 + 5) % COUNT;
        memcpy(swap, names[i], NAME);
        memcpy(names[i], names[other], NAME);
        memcpy(names[other], swap, NAME);
    }
    fixture_set_strings(file, "layer_names", names[0], NAME, COUNT, 0);
}

static void check_variant(void (*change)(hid_t file))
{
    char path[FILE_PATH_MAX];
    fixture_change(path, change);
    read_file(path);
    check_conv(0);
    check_conv(4);
    check_conv(93);
    remove(path);
}

static void start_at_95(hid_t file)
{
    rename_layers(file, 95);
}

static void leave_first_number_out(hid_t file)
{
    rename_layers(file, 0);
}

static void nest(hid_t file)
{
    H5Adelete(file, "oneiros_source");
    fixture_nest(file, "activation_1");
}

static void pack_and_swap(hid_t file)
{
    hsize_t dims[] = {3, 3, 3, 32}, dims_2[] = {3, 3, 32, 32}, chunk[] = {2, 3, 1, 32}, out = 192;
    HDF5_HANDLE list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 4, chunk);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, 6);
    HDF5_HANDLE sums_first = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(sums_first, 4, chunk);
    H5Pset_fletcher32(sums_first);
    H5Pset_deflate(sums_first, 0); // which makes it longer
    H5Pset_fletcher32(list);
    fixture_set_dataset(file, "conv2d_2/conv2d_2/kernel:0", H5T_IEEE_F32LE, 4, dims_2, sums_first, fixture.values[1].parts[KERAS_KERNEL]);
    fixture_set_dataset(file, "conv2d_1/conv2d_1/kernel:0", H5T_IEEE_F32LE, 4, dims, list, fixture.values[0].parts[KERAS_KERNEL]);
    fixture_set_dataset(file, "batch_normalization_5/batch_normalization_5/beta:0", H5T_IEEE_F32BE, 1, &out, H5P_DEFAULT,
                        fixture.values[4].parts[KERAS_BETA]);
}

static void leave_suffix_out(hid_t file)
{
    HDF5_HANDLE group = H5Gopen2(file, "conv2d_5", H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lmove(group, "conv2d_5/kernel:0", group, "kernel", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    fixture_set_strings(group, "weight_names", "kernel", 7, 1, 0);
}

static void test_numbers_from_95(void)
{
    check_variant(start_at_95);
}

static void test_no_first_number(void)
{
    check_variant(leave_first_number_out);
}

static void test_whole_model(void)
{
    check_variant(nest);
    CU_ASSERT_STRING_EQUAL(info.source, "unknown");
}

static void test_filters_and_byte_order(void)
{
    check_variant(pack_and_swap);
}

static void test_no_suffix(void)
{
    check_variant(leave_suffix_out);
}

static void set_source(hid_t file)
{
    fixture_set_strings(file, "oneiros_source", "a\033[2Jb\n", 8, 1, 0);
}

static void test_source_is_printable(void)
{
    char path[FILE_PATH_MAX];
    fixture_change(path, set_source);
    read_file(path);
    CU_ASSERT_STRING_EQUAL(info.source, "a?[2Jb?");
    remove(path);
}

static const struct unit_test tests[] = {
    {"make a file", test_set_up},
    {"layout of the flat array", test_layout},
    {"folding equals the formula", test_folding},
    {"provenance", test_info},
    {"written twice: the same bytes", test_same_bytes},
    {"layer numbers may start anywhere", test_numbers_from_95},
    {"newest names: no number on the first", test_no_first_number},
    {"a whole model's file", test_whole_model},
    {"compressed chunks and big-endian values", test_filters_and_byte_order},
    {"names without :0", test_no_suffix},
    {"the source is printable", test_source_is_printable},
    {"clean up", test_clean_up},
};

UNIT_MAIN("weights", tests)
