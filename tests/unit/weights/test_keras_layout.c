// SPDX-License-Identifier: MIT
// The names by which Keras's files call layers and their parts.
#include "weights/keras_layout.h"

#include "unit.h"

static void test_layer_numbers(void)
{
    static const struct {
        const char *name;
        int number; // -1: not a layer of that kind
    } cases[] = {{"conv2d", 0},
                 {"conv2d_1", 1},
                 {"conv2d_94", 94},
                 {"conv2d_999999", 999999},
                 {"conv2d_007", 7},
                 {"conv2d_1000000", -1},
                 {"conv2d_99999999999999999999", -1},
                 {"conv2d_", -1},
                 {"conv2d_1a", -1},
                 {"conv2d_a1", -1},
                 {"conv2d_-1", -1},
                 {"conv2d1", -1},
                 {"conv2d-1", -1},
                 {"conv2", -1},
                 {"", -1},
                 {"a_conv2d_1", -1},
                 {"conv2d_1_2", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        CU_ASSERT_EQUAL(keras_layer_number(cases[i].name, "conv2d"), cases[i].number);
}

static void test_part_names(void)
{
    CU_ASSERT(keras_is_called("kernel", "kernel") && keras_is_called("conv2d_1/kernel:0", "kernel") &&
              keras_is_called("a/b/kernel", "kernel"));
    CU_ASSERT(!keras_is_called("kernel:1", "kernel") && !keras_is_called("kernels", "kernel") && !keras_is_called("kern", "kernel"));
    CU_ASSERT(!keras_is_called("kernel/", "kernel") && !keras_is_called("kernel/bias:0", "kernel") && !keras_is_called(":0", "kernel"));
    CU_ASSERT_EQUAL(keras_part_find("batch_normalization_3/moving_mean:0"), KERAS_MEAN);
    CU_ASSERT_EQUAL(keras_part_find("batch_normalization_3/moving_variance:0"), KERAS_VARIANCE);
    CU_ASSERT_EQUAL(keras_part_find("batch_normalization_3/gamma:0"), -1);
}

// As Model.layers of Keras's own InceptionV3 lies, by the topology of the TensorFlow.js model in nsfwjs 4.4.0.
static void test_depth_order(void)
{
    static const int want[94] = {0,  1,  2,  3,  4,  8,  6,  9,  5,  7,  10, 11, 15, 13, 16, 12, 14, 17, 18, 22, 20, 23, 19, 21,
                                 24, 25, 27, 28, 26, 29, 34, 35, 31, 36, 32, 37, 30, 33, 38, 39, 44, 45, 41, 46, 42, 47, 40, 43,
                                 48, 49, 54, 55, 51, 56, 52, 57, 50, 53, 58, 59, 64, 65, 61, 66, 62, 67, 60, 63, 68, 69, 72, 73,
                                 70, 74, 71, 75, 80, 77, 81, 78, 79, 82, 83, 76, 84, 89, 86, 90, 87, 88, 91, 92, 85, 93};
    int order[94];
    keras_depth_order(network_inception_v3(), order);
    CU_ASSERT_EQUAL(memcmp(order, want, sizeof want), 0);
}

static const struct unit_test tests[] = {
    {"numbers of layers", test_layer_numbers},
    {"names of parts", test_part_names},
    {"order of Model.layers", test_depth_order},
};
UNIT_MAIN("names of Keras", tests)
