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

static const struct unit_test tests[] = {
    {"numbers of layers", test_layer_numbers},
    {"names of parts", test_part_names},
};
UNIT_MAIN("names of Keras", tests)
