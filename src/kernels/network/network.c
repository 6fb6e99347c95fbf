// SPDX-License-Identifier: MIT
#include "kernels/network/network.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct row {
    struct layer layer; // but for the numbers, and the channels of what is no convolution, which follow from the inputs
    const char *inputs[LAYER_INPUTS_MAX];
};

enum { VALID = 0, SAME = 1 };
// clang-format off
#define ROW(row, type, c, kh, kw, step, padding, ...)                                                                                      \
    {.layer = {.name = row, .kind = type, .channels = c, .kernel_h = kh, .kernel_w = kw, .stride = step, .same = padding, .conv = -1},     \
     .inputs = {__VA_ARGS__}}
#define CONV(name, input, channels, kh, kw, stride, padding) ROW(name, LAYER_CONV, channels, kh, kw, stride, padding, input)
#define MAX_POOL(name, input)                                ROW(name, LAYER_MAX_POOL, 0, 3, 3, 2, VALID, input)
#define AVG_POOL(name, input)                                ROW(name, LAYER_AVG_POOL, 0, 3, 3, 1, SAME, input)
#define CONCAT(name, ...)                                    ROW(name, LAYER_CONCAT, 0, 1, 1, 1, VALID, __VA_ARGS__)

// mixed0 to mixed2: stride 8. A block's convolutions are a to g in order, and its pool.
#define BLOCK_8(name, input, a, b, c, d, e, f, g, pool, pool_channels)                                                                     \
    CONV("conv2d_" #a, input, 64, 1, 1, 1, SAME),                                                                                          \
    CONV("conv2d_" #b, input, 48, 1, 1, 1, SAME),                                                                                          \
    CONV("conv2d_" #c, "conv2d_" #b, 64, 5, 5, 1, SAME),                                                                                   \
    CONV("conv2d_" #d, input, 64, 1, 1, 1, SAME),                                                                                          \
    CONV("conv2d_" #e, "conv2d_" #d, 96, 3, 3, 1, SAME),                                                                                   \
    CONV("conv2d_" #f, "conv2d_" #e, 96, 3, 3, 1, SAME),                                                                                   \
    AVG_POOL("average_pooling2d_" #pool, input),                                                                                           \
    CONV("conv2d_" #g, "average_pooling2d_" #pool, pool_channels, 1, 1, 1, SAME),                                                          \
    CONCAT(name, "conv2d_" #a, "conv2d_" #c, "conv2d_" #f, "conv2d_" #g)

// mixed4 to mixed7: stride 16, 768 channels. `inner`: channels on the way.
#define BLOCK_16(name, input, inner, a, b, c, d, e, f, g, h, i, j, pool)                                                                   \
    CONV("conv2d_" #a, input, 192, 1, 1, 1, SAME),                                                                                         \
    CONV("conv2d_" #b, input, inner, 1, 1, 1, SAME),                                                                                       \
    CONV("conv2d_" #c, "conv2d_" #b, inner, 1, 7, 1, SAME),                                                                                \
    CONV("conv2d_" #d, "conv2d_" #c, 192, 7, 1, 1, SAME),                                                                                  \
    CONV("conv2d_" #e, input, inner, 1, 1, 1, SAME),                                                                                       \
    CONV("conv2d_" #f, "conv2d_" #e, inner, 7, 1, 1, SAME),                                                                                \
    CONV("conv2d_" #g, "conv2d_" #f, inner, 1, 7, 1, SAME),                                                                                \
    CONV("conv2d_" #h, "conv2d_" #g, inner, 7, 1, 1, SAME),                                                                                \
    CONV("conv2d_" #i, "conv2d_" #h, 192, 1, 7, 1, SAME),                                                                                  \
    AVG_POOL("average_pooling2d_" #pool, input),                                                                                           \
    CONV("conv2d_" #j, "average_pooling2d_" #pool, 192, 1, 1, 1, SAME),                                                                    \
    CONCAT(name, "conv2d_" #a, "conv2d_" #d, "conv2d_" #i, "conv2d_" #j)

// mixed9 and mixed10: stride 32, 2048 channels. `inside` and `inside2`: names of the concatenations within.
#define BLOCK_32(name, input, inside, inside2, a, b, c, d, e, f, g, h, i, pool)                                                            \
    CONV("conv2d_" #a, input, 320, 1, 1, 1, SAME),                                                                                         \
    CONV("conv2d_" #b, input, 384, 1, 1, 1, SAME),                                                                                         \
    CONV("conv2d_" #c, "conv2d_" #b, 384, 1, 3, 1, SAME),                                                                                  \
    CONV("conv2d_" #d, "conv2d_" #b, 384, 3, 1, 1, SAME),                                                                                  \
    CONCAT(inside, "conv2d_" #c, "conv2d_" #d),                                                                                            \
    CONV("conv2d_" #e, input, 448, 1, 1, 1, SAME),                                                                                         \
    CONV("conv2d_" #f, "conv2d_" #e, 384, 3, 3, 1, SAME),                                                                                  \
    CONV("conv2d_" #g, "conv2d_" #f, 384, 1, 3, 1, SAME),                                                                                  \
    CONV("conv2d_" #h, "conv2d_" #f, 384, 3, 1, 1, SAME),                                                                                  \
    CONCAT(inside2, "conv2d_" #g, "conv2d_" #h),                                                                                           \
    AVG_POOL("average_pooling2d_" #pool, input),                                                                                           \
    CONV("conv2d_" #i, "average_pooling2d_" #pool, 192, 1, 1, 1, SAME),                                                                    \
    CONCAT(name, "conv2d_" #a, inside, inside2, "conv2d_" #i)

static const struct row rows[] = {
    ROW("input", LAYER_INPUT, 3, 1, 1, 1, VALID, NULL),
    // stem
    CONV("conv2d_1", "input", 32, 3, 3, 2, VALID),
    CONV("conv2d_2", "conv2d_1", 32, 3, 3, 1, VALID),
    CONV("conv2d_3", "conv2d_2", 64, 3, 3, 1, SAME),
    MAX_POOL("max_pooling2d_1", "conv2d_3"),
    CONV("conv2d_4", "max_pooling2d_1", 80, 1, 1, 1, VALID),
    CONV("conv2d_5", "conv2d_4", 192, 3, 3, 1, VALID),
    MAX_POOL("max_pooling2d_2", "conv2d_5"),
    BLOCK_8("mixed0", "max_pooling2d_2", 6, 7, 8, 9, 10, 11, 12, 1, 32),
    BLOCK_8("mixed1", "mixed0", 13, 14, 15, 16, 17, 18, 19, 2, 64),
    BLOCK_8("mixed2", "mixed1", 20, 21, 22, 23, 24, 25, 26, 3, 64),
    // mixed3: stride 16, 768 channels
    CONV("conv2d_27", "mixed2", 384, 3, 3, 2, VALID),
    CONV("conv2d_28", "mixed2", 64, 1, 1, 1, SAME),
    CONV("conv2d_29", "conv2d_28", 96, 3, 3, 1, SAME),
    CONV("conv2d_30", "conv2d_29", 96, 3, 3, 2, VALID),
    MAX_POOL("max_pooling2d_3", "mixed2"),
    CONCAT("mixed3", "conv2d_27", "conv2d_30", "max_pooling2d_3"),
    BLOCK_16("mixed4", "mixed3", 128, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 4),
    BLOCK_16("mixed5", "mixed4", 160, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 5),
    BLOCK_16("mixed6", "mixed5", 160, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 6),
    BLOCK_16("mixed7", "mixed6", 192, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 7),
    // mixed8: stride 32, 1280 channels
    CONV("conv2d_71", "mixed7", 192, 1, 1, 1, SAME),
    CONV("conv2d_72", "conv2d_71", 320, 3, 3, 2, VALID),
    CONV("conv2d_73", "mixed7", 192, 1, 1, 1, SAME),
    CONV("conv2d_74", "conv2d_73", 192, 1, 7, 1, SAME),
    CONV("conv2d_75", "conv2d_74", 192, 7, 1, 1, SAME),
    CONV("conv2d_76", "conv2d_75", 192, 3, 3, 2, VALID),
    MAX_POOL("max_pooling2d_4", "mixed7"),
    CONCAT("mixed8", "conv2d_72", "conv2d_76", "max_pooling2d_4"),
    BLOCK_32("mixed9", "mixed8", "mixed9_0", "concatenate_1", 77, 78, 79, 80, 81, 82, 83, 84, 85, 8),
    BLOCK_32("mixed10", "mixed9", "mixed9_1", "concatenate_2", 86, 87, 88, 89, 90, 91, 92, 93, 94, 9),
};
// clang-format on

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static struct layer layers[ROW_COUNT];
static int convs[ROW_COUNT];
static struct network network = {.layers = layers, .convs = convs};

static void build(void)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        struct layer *layer = &layers[i];
        *layer = row->layer;
        for (int k = 0; k < LAYER_INPUTS_MAX && row->inputs[k]; k++) {
            const int input = network_find(&network, row->inputs[k]); // among the rows before
            assert(input >= 0);
            layer->inputs[layer->input_count++] = input;
            if (layer->kind != LAYER_CONV)
                layer->channels += layers[input].channels;
        }
        if (layer->kind == LAYER_CONV) {
            layer->conv = network.conv_count;
            convs[network.conv_count++] = i;
        }
        network.layer_count++;
    }
}

const struct network *network_inception_v3(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, build);
    return &network;
}

int network_find(const struct network *net, const char *name)
{
    static const char activation[] = "activation_";
    char conv_name[LAYER_NAME_MAX];
    if (strncmp(name, activation, sizeof activation - 1) == 0) {
        snprintf(conv_name, sizeof conv_name, "conv2d_%s", name + sizeof activation - 1);
        name = conv_name;
    }
    for (int i = 0; i < net->layer_count; i++)
        if (strcmp(net->layers[i].name, name) == 0)
            return i;
    return -1;
}

int layer_output_size(const struct layer *layer, int kernel, int size)
{
    if (layer->same)
        return (size + layer->stride - 1) / layer->stride;
    return size < kernel ? 0 : (size - kernel) / layer->stride + 1;
}

struct receptive_field network_receptive_field(const struct network *net, int layer)
{
    // Each direction on its own: a 1 x 7 kernel widens the field in one of them only.
    int height[ROW_COUNT] = {1}, width[ROW_COUNT] = {1}, stride[ROW_COUNT] = {1}, centre[ROW_COUNT] = {0};
    for (int i = 1; i <= layer; i++) {
        const struct layer *self = &net->layers[i];
        // One centre serves both directions: kernels are odd, padding is the same on all sides, and what has none is square.
        assert(self->kernel_h % 2 == 1 && self->kernel_w % 2 == 1 && (self->same ? self->stride == 1 : self->kernel_h == self->kernel_w));
        for (int k = 0; k < self->input_count; k++) {
            const int input = self->inputs[k];
            const int h = height[input] + (self->kernel_h - 1) * stride[input], w = width[input] + (self->kernel_w - 1) * stride[input];
            height[i] = h > height[i] ? h : height[i];
            width[i] = w > width[i] ? w : width[i];
            const int step = stride[input] * self->stride,
                      middle = centre[input] + (self->same ? 0 : (self->kernel_h - 1) / 2 * stride[input]);
            assert(k == 0 || (step == stride[i] && middle == centre[i])); // parts of a concatenation lie over each other
            stride[i] = step;
            centre[i] = middle;
        }
    }
    return (struct receptive_field){
        .size = height[layer] > width[layer] ? height[layer] : width[layer], .stride = stride[layer], .centre = centre[layer]};
}

bool network_is_cut(const struct network *net, int row)
{
    for (int i = row + 1; i < net->layer_count; i++)
        for (int k = 0; k < net->layers[i].input_count; k++)
            if (net->layers[i].inputs[k] < row)
                return false;
    return true;
}

void network_output_size(const struct network *net, int layer, int width, int height, int *output_width, int *output_height)
{
    int widths[ROW_COUNT] = {width}, heights[ROW_COUNT] = {height};
    for (int i = 1; i <= layer; i++) {
        const struct layer *self = &net->layers[i];
        widths[i] = layer_output_size(self, self->kernel_w, widths[self->inputs[0]]);
        heights[i] = layer_output_size(self, self->kernel_h, heights[self->inputs[0]]);
    }
    *output_width = widths[layer];
    *output_height = heights[layer];
}
