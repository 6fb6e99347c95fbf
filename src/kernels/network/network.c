// SPDX-License-Identifier: MIT
#include "kernels/network/network.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    enum layer_kind kind;
    const char *inputs[LAYER_INPUTS_MAX];
    int channels; // convolutions only; the other kinds follow from their inputs
    int kernel_h, kernel_w, stride;
    bool same;
};

enum { VALID = 0, SAME = 1 };
// clang-format off
#define CONV(name, input, channels, kh, kw, stride, padding) {name, LAYER_CONV, {input}, channels, kh, kw, stride, padding}
#define MAX_POOL(name, input)                                {name, LAYER_MAX_POOL, {input}, 0, 3, 3, 2, VALID}
#define AVG_POOL(name, input)                                {name, LAYER_AVG_POOL, {input}, 0, 3, 3, 1, SAME}
#define CONCAT(name, ...)                                    {name, LAYER_CONCAT, {__VA_ARGS__}, 0, 1, 1, 1, VALID}

static const struct row rows[] = {
    {"input", LAYER_INPUT, {NULL}, 3, 1, 1, 1, VALID},
    // stem
    CONV("conv2d_1", "input", 32, 3, 3, 2, VALID),
    CONV("conv2d_2", "conv2d_1", 32, 3, 3, 1, VALID),
    CONV("conv2d_3", "conv2d_2", 64, 3, 3, 1, SAME),
    MAX_POOL("max_pooling2d_1", "conv2d_3"),
    CONV("conv2d_4", "max_pooling2d_1", 80, 1, 1, 1, VALID),
    CONV("conv2d_5", "conv2d_4", 192, 3, 3, 1, VALID),
    MAX_POOL("max_pooling2d_2", "conv2d_5"),
    // mixed0: stride 8, 256 channels
    CONV("conv2d_6", "max_pooling2d_2", 64, 1, 1, 1, SAME),
    CONV("conv2d_7", "max_pooling2d_2", 48, 1, 1, 1, SAME),
    CONV("conv2d_8", "conv2d_7", 64, 5, 5, 1, SAME),
    CONV("conv2d_9", "max_pooling2d_2", 64, 1, 1, 1, SAME),
    CONV("conv2d_10", "conv2d_9", 96, 3, 3, 1, SAME),
    CONV("conv2d_11", "conv2d_10", 96, 3, 3, 1, SAME),
    AVG_POOL("average_pooling2d_1", "max_pooling2d_2"),
    CONV("conv2d_12", "average_pooling2d_1", 32, 1, 1, 1, SAME),
    CONCAT("mixed0", "conv2d_6", "conv2d_8", "conv2d_11", "conv2d_12"),
    // mixed1: stride 8, 288 channels
    CONV("conv2d_13", "mixed0", 64, 1, 1, 1, SAME),
    CONV("conv2d_14", "mixed0", 48, 1, 1, 1, SAME),
    CONV("conv2d_15", "conv2d_14", 64, 5, 5, 1, SAME),
    CONV("conv2d_16", "mixed0", 64, 1, 1, 1, SAME),
    CONV("conv2d_17", "conv2d_16", 96, 3, 3, 1, SAME),
    CONV("conv2d_18", "conv2d_17", 96, 3, 3, 1, SAME),
    AVG_POOL("average_pooling2d_2", "mixed0"),
    CONV("conv2d_19", "average_pooling2d_2", 64, 1, 1, 1, SAME),
    CONCAT("mixed1", "conv2d_13", "conv2d_15", "conv2d_18", "conv2d_19"),
    // mixed2: stride 8, 288 channels
    CONV("conv2d_20", "mixed1", 64, 1, 1, 1, SAME),
    CONV("conv2d_21", "mixed1", 48, 1, 1, 1, SAME),
    CONV("conv2d_22", "conv2d_21", 64, 5, 5, 1, SAME),
    CONV("conv2d_23", "mixed1", 64, 1, 1, 1, SAME),
    CONV("conv2d_24", "conv2d_23", 96, 3, 3, 1, SAME),
    CONV("conv2d_25", "conv2d_24", 96, 3, 3, 1, SAME),
    AVG_POOL("average_pooling2d_3", "mixed1"),
    CONV("conv2d_26", "average_pooling2d_3", 64, 1, 1, 1, SAME),
    CONCAT("mixed2", "conv2d_20", "conv2d_22", "conv2d_25", "conv2d_26"),
    // mixed3: stride 16, 768 channels
    CONV("conv2d_27", "mixed2", 384, 3, 3, 2, VALID),
    CONV("conv2d_28", "mixed2", 64, 1, 1, 1, SAME),
    CONV("conv2d_29", "conv2d_28", 96, 3, 3, 1, SAME),
    CONV("conv2d_30", "conv2d_29", 96, 3, 3, 2, VALID),
    MAX_POOL("max_pooling2d_3", "mixed2"),
    CONCAT("mixed3", "conv2d_27", "conv2d_30", "max_pooling2d_3"),
    // mixed4: stride 16, 768 channels
    CONV("conv2d_31", "mixed3", 192, 1, 1, 1, SAME),
    CONV("conv2d_32", "mixed3", 128, 1, 1, 1, SAME),
    CONV("conv2d_33", "conv2d_32", 128, 1, 7, 1, SAME),
    CONV("conv2d_34", "conv2d_33", 192, 7, 1, 1, SAME),
    CONV("conv2d_35", "mixed3", 128, 1, 1, 1, SAME),
    CONV("conv2d_36", "conv2d_35", 128, 7, 1, 1, SAME),
    CONV("conv2d_37", "conv2d_36", 128, 1, 7, 1, SAME),
    CONV("conv2d_38", "conv2d_37", 128, 7, 1, 1, SAME),
    CONV("conv2d_39", "conv2d_38", 192, 1, 7, 1, SAME),
    AVG_POOL("average_pooling2d_4", "mixed3"),
    CONV("conv2d_40", "average_pooling2d_4", 192, 1, 1, 1, SAME),
    CONCAT("mixed4", "conv2d_31", "conv2d_34", "conv2d_39", "conv2d_40"),
    // mixed5: stride 16, 768 channels
    CONV("conv2d_41", "mixed4", 192, 1, 1, 1, SAME),
    CONV("conv2d_42", "mixed4", 160, 1, 1, 1, SAME),
    CONV("conv2d_43", "conv2d_42", 160, 1, 7, 1, SAME),
    CONV("conv2d_44", "conv2d_43", 192, 7, 1, 1, SAME),
    CONV("conv2d_45", "mixed4", 160, 1, 1, 1, SAME),
    CONV("conv2d_46", "conv2d_45", 160, 7, 1, 1, SAME),
    CONV("conv2d_47", "conv2d_46", 160, 1, 7, 1, SAME),
    CONV("conv2d_48", "conv2d_47", 160, 7, 1, 1, SAME),
    CONV("conv2d_49", "conv2d_48", 192, 1, 7, 1, SAME),
    AVG_POOL("average_pooling2d_5", "mixed4"),
    CONV("conv2d_50", "average_pooling2d_5", 192, 1, 1, 1, SAME),
    CONCAT("mixed5", "conv2d_41", "conv2d_44", "conv2d_49", "conv2d_50"),
    // mixed6: stride 16, 768 channels
    CONV("conv2d_51", "mixed5", 192, 1, 1, 1, SAME),
    CONV("conv2d_52", "mixed5", 160, 1, 1, 1, SAME),
    CONV("conv2d_53", "conv2d_52", 160, 1, 7, 1, SAME),
    CONV("conv2d_54", "conv2d_53", 192, 7, 1, 1, SAME),
    CONV("conv2d_55", "mixed5", 160, 1, 1, 1, SAME),
    CONV("conv2d_56", "conv2d_55", 160, 7, 1, 1, SAME),
    CONV("conv2d_57", "conv2d_56", 160, 1, 7, 1, SAME),
    CONV("conv2d_58", "conv2d_57", 160, 7, 1, 1, SAME),
    CONV("conv2d_59", "conv2d_58", 192, 1, 7, 1, SAME),
    AVG_POOL("average_pooling2d_6", "mixed5"),
    CONV("conv2d_60", "average_pooling2d_6", 192, 1, 1, 1, SAME),
    CONCAT("mixed6", "conv2d_51", "conv2d_54", "conv2d_59", "conv2d_60"),
    // mixed7: stride 16, 768 channels
    CONV("conv2d_61", "mixed6", 192, 1, 1, 1, SAME),
    CONV("conv2d_62", "mixed6", 192, 1, 1, 1, SAME),
    CONV("conv2d_63", "conv2d_62", 192, 1, 7, 1, SAME),
    CONV("conv2d_64", "conv2d_63", 192, 7, 1, 1, SAME),
    CONV("conv2d_65", "mixed6", 192, 1, 1, 1, SAME),
    CONV("conv2d_66", "conv2d_65", 192, 7, 1, 1, SAME),
    CONV("conv2d_67", "conv2d_66", 192, 1, 7, 1, SAME),
    CONV("conv2d_68", "conv2d_67", 192, 7, 1, 1, SAME),
    CONV("conv2d_69", "conv2d_68", 192, 1, 7, 1, SAME),
    AVG_POOL("average_pooling2d_7", "mixed6"),
    CONV("conv2d_70", "average_pooling2d_7", 192, 1, 1, 1, SAME),
    CONCAT("mixed7", "conv2d_61", "conv2d_64", "conv2d_69", "conv2d_70"),
    // mixed8: stride 32, 1280 channels
    CONV("conv2d_71", "mixed7", 192, 1, 1, 1, SAME),
    CONV("conv2d_72", "conv2d_71", 320, 3, 3, 2, VALID),
    CONV("conv2d_73", "mixed7", 192, 1, 1, 1, SAME),
    CONV("conv2d_74", "conv2d_73", 192, 1, 7, 1, SAME),
    CONV("conv2d_75", "conv2d_74", 192, 7, 1, 1, SAME),
    CONV("conv2d_76", "conv2d_75", 192, 3, 3, 2, VALID),
    MAX_POOL("max_pooling2d_4", "mixed7"),
    CONCAT("mixed8", "conv2d_72", "conv2d_76", "max_pooling2d_4"),
    // mixed9: stride 32, 2048 channels
    CONV("conv2d_77", "mixed8", 320, 1, 1, 1, SAME),
    CONV("conv2d_78", "mixed8", 384, 1, 1, 1, SAME),
    CONV("conv2d_79", "conv2d_78", 384, 1, 3, 1, SAME),
    CONV("conv2d_80", "conv2d_78", 384, 3, 1, 1, SAME),
    CONCAT("mixed9_0", "conv2d_79", "conv2d_80"),
    CONV("conv2d_81", "mixed8", 448, 1, 1, 1, SAME),
    CONV("conv2d_82", "conv2d_81", 384, 3, 3, 1, SAME),
    CONV("conv2d_83", "conv2d_82", 384, 1, 3, 1, SAME),
    CONV("conv2d_84", "conv2d_82", 384, 3, 1, 1, SAME),
    CONCAT("concatenate_1", "conv2d_83", "conv2d_84"),
    AVG_POOL("average_pooling2d_8", "mixed8"),
    CONV("conv2d_85", "average_pooling2d_8", 192, 1, 1, 1, SAME),
    CONCAT("mixed9", "conv2d_77", "mixed9_0", "concatenate_1", "conv2d_85"),
    // mixed10: stride 32, 2048 channels
    CONV("conv2d_86", "mixed9", 320, 1, 1, 1, SAME),
    CONV("conv2d_87", "mixed9", 384, 1, 1, 1, SAME),
    CONV("conv2d_88", "conv2d_87", 384, 1, 3, 1, SAME),
    CONV("conv2d_89", "conv2d_87", 384, 3, 1, 1, SAME),
    CONCAT("mixed9_1", "conv2d_88", "conv2d_89"),
    CONV("conv2d_90", "mixed9", 448, 1, 1, 1, SAME),
    CONV("conv2d_91", "conv2d_90", 384, 3, 3, 1, SAME),
    CONV("conv2d_92", "conv2d_91", 384, 1, 3, 1, SAME),
    CONV("conv2d_93", "conv2d_91", 384, 3, 1, 1, SAME),
    CONCAT("concatenate_2", "conv2d_92", "conv2d_93"),
    AVG_POOL("average_pooling2d_9", "mixed9"),
    CONV("conv2d_94", "average_pooling2d_9", 192, 1, 1, 1, SAME),
    CONCAT("mixed10", "conv2d_86", "mixed9_1", "concatenate_2", "conv2d_94"),
};
// clang-format on

enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static struct layer layers[ROW_COUNT];
static int convs[ROW_COUNT];
static struct network network = {.layers = layers, .convs = convs};

static int find_row(const char *name, int end)
{
    for (int i = 0; i < end; i++)
        if (strcmp(rows[i].name, name) == 0)
            return i;
    return -1;
}

static void build(void)
{
    for (int i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        struct layer *layer = &layers[i];
        *layer = (struct layer){.name = row->name,
                                .kind = row->kind,
                                .channels = row->channels,
                                .kernel_h = row->kernel_h,
                                .kernel_w = row->kernel_w,
                                .stride = row->stride,
                                .same = row->same,
                                .conv = -1};
        for (int k = 0; k < LAYER_INPUTS_MAX && row->inputs[k]; k++) {
            int input = find_row(row->inputs[k], i);
            assert(input >= 0);
            layer->inputs[layer->input_count++] = input;
            if (row->kind != LAYER_CONV)
                layer->channels += layers[input].channels;
        }
        if (row->kind == LAYER_CONV) {
            layer->conv = network.conv_count;
            convs[network.conv_count++] = i;
        }
    }
    network.layer_count = ROW_COUNT;
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
