// SPDX-License-Identifier: MIT
// The classifier of files that have one: read as it is, or the file refused.
#include <math.h>

#include "kernels/network/parameters.h"
#include "weights/weights.h"
#include "weights_reading.h"

enum { FEATURES = 2048 };

#define TOP_KERNEL "predictions/predictions/kernel:0"
#define TOP_BIAS "predictions/predictions/bias:0"

static const char top_weights[2][FIXTURE_NAME] = {"predictions/kernel:0", "predictions/bias:0"};

static float number_at(int feature, int class)
{
    return (float)(feature * 1000 + class) + 0.5f; // all different, all exact
}

// Adds a classifier of that many classes as Keras writes it.
static void add_classes_to(hid_t group, int classes)
{
    static float kernel[FEATURES * NETWORK_CLASSES_MAX], bias[NETWORK_CLASSES_MAX];
    const hsize_t dims[] = {FEATURES, (hsize_t)classes};
    for (int c = 0; c < classes; c++) {
        bias[c] = number_at(3000, c);
        for (int f = 0; f < FEATURES; f++)
            kernel[f * classes + c] = number_at(f, c);
    }
    HDF5_HANDLE list = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(list, 1);
    for (int part = 0; part < 2; part++) {
        HDF5_HANDLE space = H5Screate_simple(part ? 1 : 2, part ? &dims[1] : dims, NULL);
        HDF5_HANDLE dataset = H5Dcreate2(group, part ? TOP_BIAS : TOP_KERNEL, H5T_IEEE_F32LE, space, list, H5P_DEFAULT, H5P_DEFAULT);
        CU_ASSERT_FATAL(dataset >= 0);
        CU_ASSERT_FATAL(H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, part ? bias : kernel) >= 0);
    }
    fixture_set_weight_names(group, KERAS_TOP, top_weights[0], 2);
    fixture_list_layers(group, 0, KERAS_TOP);
}

static void add_top(hid_t file)
{
    add_classes_to(file, 10);
}

static void set_top(hid_t file, const char *path, int rank, hsize_t a, hsize_t b)
{
    static const float many[FEATURES * 1001];
    const hsize_t dims[] = {a, b};
    add_top(file);
    fixture_set_dataset(file, path, H5T_IEEE_F32LE, rank, dims, H5P_DEFAULT, many);
}

static void swap_top(hid_t file)
{
    set_top(file, TOP_KERNEL, 2, 10, FEATURES);
}

static void add_classes(hid_t file)
{
    set_top(file, TOP_KERNEL, 2, FEATURES, 1001);
}

static void drop_classes(hid_t file)
{
    set_top(file, TOP_KERNEL, 2, FEATURES, 0);
}

static void flatten_top(hid_t file)
{
    set_top(file, TOP_KERNEL, 1, FEATURES, 0);
}

static void lengthen_top_bias(hid_t file)
{
    set_top(file, TOP_BIAS, 1, 11, 0);
}

static void widen_top_bias(hid_t file)
{
    const hsize_t dims = 10;
    add_top(file);
    fixture_set_dataset(file, TOP_BIAS, H5T_IEEE_F64LE, 1, &dims, H5P_DEFAULT, NULL);
}

static void never_write_top(hid_t file)
{
    const hsize_t dims[] = {FEATURES, 10};
    add_top(file);
    fixture_set_dataset(file, TOP_KERNEL, H5T_IEEE_F32LE, 2, dims, H5P_DEFAULT, NULL);
}

static void list_no_top_bias(hid_t file)
{
    add_top(file);
    fixture_set_weight_names(file, KERAS_TOP, top_weights[0], 1);
}

static void delete_top_bias(hid_t file)
{
    add_top(file);
    H5Ldelete(file, TOP_BIAS, H5P_DEFAULT);
}

static void list_top_only(hid_t file)
{
    fixture_list_layers(file, 0, KERAS_TOP);
}

static void link_top_softly(hid_t file)
{
    add_top(file);
    H5Lmove(file, TOP_KERNEL, file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(H5Lcreate_soft("/elsewhere", file, TOP_KERNEL, H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void put_top_value(hid_t file, const char *path, size_t count, size_t at, float value)
{
    static float numbers[FEATURES * 10];
    add_top(file);
    memset(numbers, 0, count * sizeof *numbers);
    numbers[at] = value;
    hdf5_set_values(file, path, numbers);
}

static void put_top_nan(hid_t file)
{
    put_top_value(file, TOP_KERNEL, FEATURES * 10, FEATURES * 10 - 1, NAN);
}

static void put_top_infinity(hid_t file)
{
    put_top_value(file, TOP_BIAS, 10, 9, INFINITY);
}

static void add_all_classes(hid_t file)
{
    add_classes_to(file, NETWORK_CLASSES_MAX);
}

static void add_five_classes(hid_t file)
{
    add_classes_to(file, 5);
}

static void add_one_class(hid_t file)
{
    add_classes_to(file, 1);
}

static void nest(hid_t file)
{
    add_five_classes(file);
    fixture_nest(file, KERAS_TOP);
}

static void leave(hid_t file)
{
    (void)file;
}

// The classifier of a changed copy: so many classes, then zeros.
static void check_read(void (*change)(hid_t file), int classes)
{
    const struct network *network = network_inception_v3();
    const float *kernel = parameters_top_kernel(network, weights), *bias = parameters_top_bias(network, weights);
    char path[FILE_PATH_MAX];
    struct weights_info info;
    int wrong = 0;
    fixture_change(path, change);
    memset(weights, 0xff, parameters_count(network) * sizeof *weights);
    UNIT_OK(weights_read(path, network, weights, &info));
    for (int c = 0; c < NETWORK_CLASSES_MAX; c++) {
        wrong += bias[c] != (c < classes ? number_at(3000, c) : 0.0f);
        for (int f = 0; f < FEATURES; f++)
            wrong += kernel[c * FEATURES + f] != (c < classes ? number_at(f, c) : 0.0f);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(info.classes, classes);
    remove(path);
}

static void test_read(void)
{
    check_read(leave, 0);
    check_read(add_all_classes, NETWORK_CLASSES_MAX);
    check_read(add_five_classes, 5);
    check_read(add_one_class, 1);
    check_read(nest, 5);
}

static void test_refused(void)
{
    check_refused(swap_top, STATUS_FORMAT, "predictions: kernel", "10 x 2048, InceptionV3's is 2048 x 1...1000");
    check_refused(add_classes, STATUS_FORMAT, "predictions: kernel", "2048 x 1001");
    check_refused(drop_classes, STATUS_FORMAT, "predictions: kernel", "2048 x 0");
    check_refused(flatten_top, STATUS_FORMAT, "predictions: kernel", "2048");
    check_refused(lengthen_top_bias, STATUS_FORMAT, "predictions", "10 classes, its bias for 11");
    check_refused(widen_top_bias, STATUS_FORMAT, "predictions: bias", "float32");
    check_refused(never_write_top, STATUS_FORMAT, "predictions: kernel", "never written");
    check_refused(list_no_top_bias, STATUS_FORMAT, "predictions", "no bias");
    check_refused(delete_top_bias, STATUS_FORMAT, "predictions", "not in the file");
    check_refused(list_top_only, STATUS_FORMAT, "predictions", "not in the file");
    check_refused(link_top_softly, STATUS_FORMAT, "predictions", "link");
    check_refused(put_top_nan, STATUS_FORMAT, "predictions: kernel", "value 20479 is not finite");
    check_refused(put_top_infinity, STATUS_FORMAT, "predictions: bias", "value 9 is not finite");
}

static const struct unit_test tests[] = {
    {"make a file", test_set_up},
    {"read", test_read},
    {"refused", test_refused},
    {"clean up", test_clean_up},
};

UNIT_MAIN("weights top", tests)
