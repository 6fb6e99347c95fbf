// SPDX-License-Identifier: MIT
#include "commands/network/model_layers.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/config/config.h"
#include "common/system/text.h"
#include "kernels/network/network.h"

// What the defaults make of a photograph with the end of a block as the only target, as seen.
static const struct {
    const char *layer, *shows;
} blocks[] = {
    {"mixed0", "strokes and hatching, loud colours"},
    {"mixed1", "ridges, bars and arches, deep edges"},
    {"mixed2", "rings and knobs, the first eyes"},
    {"mixed3", "eyes, shells and coils"},
    {"mixed4", "domes and soft patches, eyes where something is round"},
    {"mixed5", "pearls and folds"},
    {"mixed6", "feathers, folds, long strokes; calm places stay calm"},
    {"mixed7", "plumes, with single eyes among them"},
    {"mixed8", "as mixed7, finer"},
    {"mixed9", "threads, plumes and sparks"},
    {"mixed10", "threads and sparks; the layer that objective: class takes"},
};
enum { BLOCKS = sizeof blocks / sizeof blocks[0], SHOWS_MAX = 128 };

static const char *kind_of(const struct network *network, int row)
{
    static const char *const kinds[] = {[LAYER_CONV] = "convolution", [LAYER_MAX_POOL] = "maximum", [LAYER_AVG_POOL] = "mean"};
    const struct layer *layer = &network->layers[row];
    if (layer->kind == LAYER_CONCAT)
        return network_is_cut(network, row) ? "end of a block" : "both before it";
    return kinds[layer->kind];
}

static void print_row(const struct network *network, int row, const char *what)
{
    const struct layer *layer = &network->layers[row];
    const struct receptive_field field = network_receptive_field(network, row);
    printf("%-20s %8d %7d %6d  %s\n", layer->name, layer->channels, field.stride, field.size, what);
}

// What a dream of it shows, and whether it is one of the default targets.
static const char *block_text(int block, char text[SHOWS_MAX])
{
    struct config config;
    config_init(&config);
    snprintf(text, SHOWS_MAX, "%s", blocks[block].shows);
    for (int i = 0; i < config.targets.count; i++)
        if (strcmp(config.targets.items[i].layer, blocks[block].layer) == 0)
            text_append(text, SHOWS_MAX, "; by default %s:%g", blocks[block].layer, config.targets.items[i].weight);
    return text;
}

static void print_table(const struct network *network)
{
    char text[SHOWS_MAX];
    printf("%-20s %8s %7s %6s  %s\n", "layer", "channels", "stride", "sees", "a dream of it shows");
    for (int i = 0; i < BLOCKS; i++)
        print_row(network, network_find(network, blocks[i].layer), block_text(i, text));
    printf("\nSingle channels (mixed4#12) differ more; gradient_strength=1 makes eyes of all. All layers, from the picture on;\n"
           "activation_N is another name for conv2d_N:\n\n");
    printf("%-20s %8s %7s %6s  %s\n", "layer", "channels", "stride", "sees", "what it is");
    for (int row = 1; row < network->layer_count; row++) {
        char what[64];
        const bool branch = !network_is_cut(network, row);
        snprintf(what, sizeof what, "%s%s", kind_of(network, row), branch ? ", on a branch" : "");
        print_row(network, row, what);
    }
    printf(
        "\nstride: pixels of the picture between two values; sees: pixels that one value depends on, along a side. Expected gradients\n"
        "(importance.method) take no layer on a branch. targets=mixed4:1,mixed5#12+45:0.5 raises mixed4 and two channels of mixed5,\n"
        "mixed5#12-45 raises channel 12 and lowers 45, mixed3%%0.5..1,mixed6%%0..0.5 raises mixed6 in the smaller octaves, then mixed3.\n");
}

static const char *shows(const char *layer, char text[SHOWS_MAX])
{
    for (int i = 0; i < BLOCKS; i++)
        if (strcmp(blocks[i].layer, layer) == 0)
            return block_text(i, text);
    return NULL;
}

static enum status print_json(const struct network *network)
{
    enum status rc = STATUS_OK;
    json_t *layers = json_array();
    for (int row = 1; row < network->layer_count; row++) {
        const struct layer *layer = &network->layers[row];
        const struct receptive_field field = network_receptive_field(network, row);
        char shown[SHOWS_MAX];
        const char *text = shows(layer->name, shown);
        json_t *object =
            json_pack("{s:s, s:i, s:i, s:i, s:s, s:b}", "name", layer->name, "channels", layer->channels, "stride", field.stride, "sees",
                      field.size, "kind", kind_of(network, row), "branch", !network_is_cut(network, row));
        if (text)
            json_object_set_new(object, "shows", json_string(text));
        json_array_append_new(layers, object);
    }
    if (json_dumpf(layers, stdout, JSON_INDENT(2)) != 0 && !ferror(stdout)) // which main() looks at
        rc = no_memory("for the layers as JSON");
    putchar('\n');
    json_decref(layers);
    return rc;
}

enum status model_layers_print(bool json)
{
    const struct network *network = network_inception_v3();
    if (json)
        return print_json(network);
    print_table(network);
    return STATUS_OK;
}
