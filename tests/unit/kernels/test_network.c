// SPDX-License-Identifier: MIT
// The table against the published facts of InceptionV3.
#include "kernels/network/network.h"

#include "kernels/network/graph.h"
#include "naive.h"

enum { LAYERS_MAX = 160, LINE = 1600 };

static void test_receptive_fields(void)
{
    static const struct {
        const char *name;
        int size, stride, channels;
    } expected[] = {
        {"mixed0", 63, 8, 256},     {"mixed1", 95, 8, 288},     {"mixed2", 127, 8, 288},     {"mixed3", 159, 16, 768},
        {"mixed4", 351, 16, 768},   {"mixed5", 543, 16, 768},   {"mixed6", 735, 16, 768},    {"mixed7", 927, 16, 768},
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

// Which pixels of a line of LINE the output value `at` of a layer depends on: tap by tap, layer by layer, in one direction.
static void mark_field(const struct network *net, int layer, bool down, int at, bool *pixels)
{
    static bool marks[LAYERS_MAX][LINE];
    memset(marks, 0, sizeof marks);
    marks[layer][at] = true;
    for (int i = layer; i > 0; i--) {
        const struct layer *self = &net->layers[i];
        const int taps = down ? self->kernel_h : self->kernel_w;
        for (int k = 0; k < self->input_count; k++)
            for (int o = 0; o < LINE; o++)
                for (int tap = 0; marks[i][o] && tap < taps; tap++) {
                    const int source = o * self->stride + tap - (self->same ? taps / 2 : 0);
                    CU_ASSERT_FATAL(source >= 0 && source < LINE);
                    marks[self->inputs[k]][source] = true;
                }
    }
    memcpy(pixels, marks[0], sizeof marks[0]);
}

static void test_fields_tap_by_tap(void)
{
    const struct network *net = network_inception_v3();
    CU_ASSERT_FATAL(net->layer_count <= LAYERS_MAX);
    for (int layer = 0; layer < net->layer_count; layer++) {
        const struct receptive_field field = network_receptive_field(net, layer);
        const int at = LINE / 2 / field.stride;
        int size[2];
        for (int down = 0; down < 2; down++) {
            bool pixels[LINE];
            int first = 0, last = LINE - 1;
            mark_field(net, layer, down, at, pixels);
            while (!pixels[first])
                first++;
            while (!pixels[last])
                last--;
            size[down] = last - first + 1;
            CU_ASSERT_EQUAL(first + last, 2 * (field.centre + at * field.stride));
        }
        CU_ASSERT_EQUAL(field.size, size[0] > size[1] ? size[0] : size[1]);
    }
    CU_ASSERT_EQUAL(network_receptive_field(net, 0).centre, 0);
    CU_ASSERT_EQUAL(network_receptive_field(net, network_find(net, "mixed0")).centre, 13);
    CU_ASSERT_EQUAL(network_receptive_field(net, network_find(net, "mixed3")).centre, 21);
    CU_ASSERT_EQUAL(network_receptive_field(net, network_find(net, "mixed10")).centre, 37);
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
    // The spatial sizes that Keras prints for 299 x 299; 75 is the smallest side.
    static const struct {
        const char *name;
        int size;
    } expected[] = {{"conv2d_1", 149}, {"conv2d_2", 147}, {"conv2d_3", 147},       {"max_pooling2d_1", 73},
                    {"conv2d_5", 71},  {"mixed0", 35},    {"max_pooling2d_2", 35}, {"mixed2", 35},
                    {"mixed3", 17},    {"mixed7", 17},    {"mixed8", 8},           {"mixed10", 8}};
    const struct network *net = network_inception_v3();
    int width, height;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        network_output_size(net, network_find(net, expected[i].name), 299, 75, &width, &height);
        CU_ASSERT_EQUAL(width, expected[i].size);
        network_output_size(net, network_find(net, expected[i].name), 74, 299, &width, &height);
        CU_ASSERT_EQUAL(height, expected[i].size);
    }
    network_output_size(net, network_find(net, "mixed10"), 74, 75, &width, &height);
    CU_ASSERT(width == 0 && height == 1);
    network_output_size(net, 0, 74, 75, &width, &height);
    CU_ASSERT(width == 74 && height == 75);
    for (int layer = 0; layer < net->layer_count; layer++) { // none is less than none
        network_output_size(net, layer, 1, 0, &width, &height);
        CU_ASSERT((layer == 0 ? width == 1 : width == 0) && height == 0);
    }
}

static void test_sizes_of_graphs(void)
{
    const struct network *net = network_inception_v3();
    uint32_t state = 1;
    for (int i = 0; i < 300; i++) {
        const int layer = 1 + (int)(naive_next(&state) % (uint32_t)(net->layer_count - 1));
        const struct graph_options options = {.network = net,
                                              .width = 75 + (int)(naive_next(&state) % 1000),
                                              .height = 75 + (int)(naive_next(&state) % 1000),
                                              .target_count = 1,
                                              .targets = &layer};
        struct graph *graph;
        int width, height;
        UNIT_OK(graph_create(&graph, &options));
        network_output_size(net, layer, options.width, options.height, &width, &height);
        CU_ASSERT(graph->targets[0].view.width == width && graph->targets[0].view.height == height);
        graph_destroy(&graph);
    }
}

// Whether the layer sees the image past `cut`.
static bool sees_past(const struct network *net, int layer, int cut)
{
    bool sees = layer == 0;
    for (int k = 0; layer != cut && k < net->layers[layer].input_count && !sees; k++)
        sees = sees_past(net, net->layers[layer].inputs[k], cut);
    return sees && layer != cut;
}

static void test_cuts(void)
{
    static const char *const expected[] = {"input",           "conv2d_1", "conv2d_2", "conv2d_3", "max_pooling2d_1", "conv2d_4", "conv2d_5",
                                           "max_pooling2d_2", "mixed0",   "mixed1",   "mixed2",   "mixed3",          "mixed4",   "mixed5",
                                           "mixed6",          "mixed7",   "mixed8",   "mixed9",   "mixed10"};
    const struct network *net = network_inception_v3();
    size_t cuts = 0;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        CU_ASSERT(network_is_cut(net, network_find(net, expected[i])));
    for (int row = 0; row < net->layer_count; row++) {
        bool past = false;
        for (int i = row + 1; i < net->layer_count && i < row + 40; i++) // a block has fewer rows
            past = past || sees_past(net, i, row);
        CU_ASSERT_EQUAL(network_is_cut(net, row), !past);
        cuts += network_is_cut(net, row);
    }
    CU_ASSERT_EQUAL(cuts, sizeof expected / sizeof expected[0]);
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
    {"fields, tap by tap", test_fields_tap_by_tap},
    {"parameters", test_parameter_count},
    {"sizes", test_sizes},
    {"sizes of graphs", test_sizes_of_graphs},
    {"cuts", test_cuts},
    {"names", test_names},
};
UNIT_MAIN("network", tests)
