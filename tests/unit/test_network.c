// SPDX-License-Identifier: MIT
// The table against the published facts of InceptionV3.
#include "kernels/network.h"

#include <string.h>

#include "unit.h"

static void test_receptive_fields(void)
{
    static const struct {
        const char *name;
        int size, stride, channels;
    } expected[] = {
        {"mixed0", 63, 8, 256},    {"mixed1", 95, 8, 288},    {"mixed2", 127, 8, 288},   {"mixed3", 159, 16, 768},
        {"mixed4", 351, 16, 768},  {"mixed5", 543, 16, 768},  {"mixed6", 735, 16, 768},  {"mixed7", 927, 16, 768},
        {"mixed8", 1055, 32, 1280}, {"mixed9", 1183, 32, 2048}, {"mixed10", 1311, 32, 2048},
    };
    const struct network *net = network_inception_v3();
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        int layer = network_find(net, expected[i].name);
        CU_ASSERT_FATAL(layer > 0);
        struct receptive_field field = network_receptive_field(net, layer);
        CU_ASSERT_EQUAL(field.size, expected[i].size);
        CU_ASSERT_EQUAL(field.stride, expected[i].stride);
        CU_ASSERT_EQUAL(net->layers[layer].channels, expected[i].channels);
    }
}

static void test_parameter_count(void)
{
    const struct network *net = network_inception_v3();
    long parameters = 0;
    CU_ASSERT_EQUAL(net->conv_count, 94);
    for (int i = 0; i < net->conv_count; i++) {
        const struct layer *layer = &net->layers[net->convs[i]];
        const struct layer *input = &net->layers[layer->inputs[0]];
        CU_ASSERT_EQUAL(layer->conv, i);
        parameters += (long)layer->kernel_h * layer->kernel_w * input->channels * layer->channels + 3L * layer->channels;
    }
    CU_ASSERT_EQUAL(parameters, 21802784); // as keras.applications.InceptionV3(include_top=False).count_params()
}

static void test_sizes(void)
{
    // The spatial sizes that Keras prints for 299 x 299, and that 75 is the smallest side.
    static const struct {
        const char *name;
        int size;
    } expected[] = {{"conv2d_1", 149}, {"conv2d_2", 147}, {"conv2d_3", 147}, {"max_pooling2d_1", 73}, {"conv2d_5", 71},
                    {"max_pooling2d_2", 35}, {"mixed2", 35}, {"mixed3", 17}, {"mixed7", 17}, {"mixed8", 8}, {"mixed10", 8}};
    const struct network *net = network_inception_v3();
    static const int sides[] = {74, 75, 299};
    for (int s = 0; s < 3; s++) {
        int side = sides[s];
        int size[256] = {side};
        for (int i = 1; i < net->layer_count; i++) {
            const struct layer *layer = &net->layers[i];
            size[i] = layer_output_size(layer, layer->kernel_h > layer->kernel_w ? layer->kernel_h : layer->kernel_w, size[layer->inputs[0]]);
        }
        int last = size[network_find(net, "mixed10")];
        CU_ASSERT_EQUAL(last, side == 74 ? 0 : side == 75 ? 1 : 8);
        for (size_t i = 0; side == 299 && i < sizeof expected / sizeof expected[0]; i++)
            CU_ASSERT_EQUAL(size[network_find(net, expected[i].name)], expected[i].size);
    }
}

static void test_names(void)
{
    const struct network *net = network_inception_v3();
    CU_ASSERT_EQUAL(network_find(net, "activation_94"), network_find(net, "conv2d_94"));
    CU_ASSERT_EQUAL(network_find(net, "conv2d_95"), -1);
    CU_ASSERT_EQUAL(network_find(net, ""), -1);
    CU_ASSERT_EQUAL(network_find(net, "mixed11"), -1);
}

static const struct unit_test tests[] = {
    {"receptive fields and strides", test_receptive_fields},
    {"parameters", test_parameter_count},
    {"sizes", test_sizes},
    {"names", test_names},
};
UNIT_MAIN("network", tests)
