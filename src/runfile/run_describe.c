// SPDX-License-Identifier: MIT
// What the datasets of the run file say of themselves.
#include <assert.h>
#include <string.h>

#include "common/config/config_schema.h"
#include "common/hdf5/hdf5_attributes.h"
#include "runfile/run_tables.h"

// `units` and `descriptions`, one text a column, and, where a column is an array, `targets`: the layers' names.
static herr_t describe_columns(hid_t dataset, enum run_dataset table, const struct config_targets *targets)
{
    const char *units[RUN_COLUMNS_MAX], *descriptions[RUN_COLUMNS_MAX], *layers[CONFIG_TARGETS_MAX];
    size_t count;
    const struct run_column *columns = run_table_columns(table, &count);
    bool arrays = false;
    for (size_t i = 0; i < count; i++) {
        units[i] = columns[i].unit;
        descriptions[i] = columns[i].description;
        arrays = arrays || run_column_is_array(&columns[i]);
    }
    for (int i = 0; i < targets->count; i++)
        layers[i] = targets->items[i].layer;
    if (hdf5_add_texts(dataset, "units", units, count) < 0 || hdf5_add_texts(dataset, "descriptions", descriptions, count) < 0)
        return -1;
    return arrays ? hdf5_add_texts(dataset, "targets", layers, (size_t)targets->count) : 0;
}

// How the configuration spells a value of an enum.
static const char *word_of(const char *key, int value)
{
    const struct config_word *word = config_find(key)->words;
    while (word->name && word->value != value)
        word++;
    assert(word->name);
    return word->name;
}

static herr_t describe_values(hid_t dataset, const char *description)
{
    return hdf5_add_text(dataset, "units", "1") < 0 ? -1 : hdf5_add_text(dataset, "description", description);
}

static herr_t describe_origin(hid_t dataset, const char *method, const char *layer)
{
    return hdf5_add_text(dataset, "method", method) < 0 ? -1 : hdf5_add_text(dataset, "layer", layer);
}

static herr_t describe_importance(hid_t dataset, const struct run_file_header *header, int target)
{
    const struct config *config = header->config;
    if (describe_values(dataset, "importance of each channel for the loss of the dream, one row for each row of /images; NaN if unknown") <
        0)
        return -1;
    if (header->importance == IMPORTANCE_EXPECTED_GRADIENTS && (hdf5_set_integer(dataset, "samples", config->importance.samples) < 0 ||
                                                                hdf5_add_text(dataset, "baselines", config->importance.baselines) < 0))
        return -1;
    return describe_origin(dataset, word_of("importance.method", (int)header->importance), config->targets.items[target].layer);
}

static herr_t describe_peaks(hid_t dataset, const struct run_file_header *header, int target)
{
    return describe_values(dataset,
                           "where each picture excites each channel most, one row for each row of /images: value, y and x in the "
                           "layer's grid by activation, then the same by activation * d loss / d activation; NaN and -1 if unknown") < 0
               ? -1
           : hdf5_add_text(dataset, "layer", header->config->targets.items[target].layer) < 0 ||
                   hdf5_set_integer(dataset, "stride", header->fields ? header->fields[target].stride : 0) < 0 ||
                   hdf5_set_integer(dataset, "centre", header->fields ? header->fields[target].centre : 0) < 0 ||
                   hdf5_set_integer(dataset, "field", header->fields ? header->fields[target].size : 0) < 0
               ? -1
               : 0;
}

herr_t run_dataset_describe(enum run_dataset dataset, hid_t handle, const struct run_file_header *header)
{
    const struct config *config = header->config;
    if (run_dataset_is_peaks(dataset))
        return describe_peaks(handle, header, run_dataset_target(dataset));
    if (run_dataset_is_importance(dataset))
        return describe_importance(handle, header, run_dataset_target(dataset));
    const herr_t done =
        dataset == RUN_CAM_VALUES
            ? describe_values(handle, "class activation maps, each scaled to 0..1, one behind the other; /cam/frames says which is where")
            : describe_columns(handle, dataset, &config->targets);
    if (done < 0 || (dataset != RUN_CAM_VALUES && dataset != RUN_CAM_FRAMES && dataset != RUN_SUMMARY_CAM))
        return done;
    return describe_origin(handle, word_of("cam.method", (int)config->cam.method), header->cam_layer);
}
