// SPDX-License-Identifier: MIT
#include "runfile/run_layout.h"

#include <assert.h>
#include <stdio.h>

#include "common/config/config_schema.h"
#include "runfile/run_attributes.h"

static const size_t cam_values_chunk = 128 * 1024; // some 40 maps of 48 x 64

int run_layout_table(enum run_table table)
{
    static const int series[RUN_TABLE_COUNT] = {[RUN_TABLE_STEPS] = RUN_STEPS,
                                                [RUN_TABLE_CAM_FRAMES] = RUN_CAM_FRAMES,
                                                [RUN_TABLE_IMAGES] = RUN_IMAGES,
                                                [RUN_TABLE_TIMING] = RUN_TIMING};
    return series[table];
}

herr_t run_layout_init(struct run_layout *layout, const struct run_file_header *header)
{
    const struct config_targets *targets = &header->config->targets;
    *layout = (struct run_layout){.targets = targets->count};
    herr_t done = 0;
    for (enum run_table table = 0; table < RUN_TABLE_COUNT && done >= 0; table++)
        done = run_series_init(&layout->series[run_layout_table(table)], run_table_name(table), run_table_type(table, targets->count), 0,
                               run_table_chunk(table));
    if (done >= 0)
        done = run_series_init(&layout->series[RUN_CAM_VALUES], "cam/values", H5Tcopy(H5T_NATIVE_FLOAT), 0, cam_values_chunk);
    for (int i = 0; i < targets->count && done >= 0; i++) {
        char name[sizeof layout->series[0].name];
        snprintf(name, sizeof name, "importance/%s", targets->items[i].layer);
        assert(header->channels[i] > 0);
        done = run_series_init(&layout->series[RUN_IMPORTANCE + i], name, H5Tcopy(H5T_NATIVE_FLOAT), (hsize_t)header->channels[i],
                               run_table_chunk(RUN_TABLE_IMAGES)); // as many rows wait as in /images
    }
    return done;
}

void run_layout_destroy(struct run_layout *layout)
{
    for (int i = 0; i < RUN_SERIES_COUNT; i++)
        run_series_destroy(&layout->series[i]);
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

static herr_t add_source(hid_t dataset, const char *method, const char *layer)
{
    return run_attribute_text(dataset, "method", method) < 0 ? -1 : run_attribute_text(dataset, "layer", layer);
}

static herr_t add_meaning(hid_t dataset, const char *description)
{
    return run_attribute_text(dataset, "units", "1") < 0 ? -1 : run_attribute_text(dataset, "description", description);
}

static herr_t describe(hid_t dataset, int series, const struct run_file_header *header)
{
    const struct config *config = header->config;
    if (series >= RUN_IMPORTANCE && series < RUN_IMAGES) {
        const int method = (int)header->importance, target = series - RUN_IMPORTANCE;
        if (add_meaning(dataset, "importance of each channel for the loss of the dream, one row for each row of /images; NaN if unknown") <
            0)
            return -1;
        if (method == IMPORTANCE_EXPECTED_GRADIENTS && (run_attribute_integer(dataset, "samples", config->importance.samples) < 0 ||
                                                        run_attribute_text(dataset, "baselines", config->importance.baselines) < 0))
            return -1;
        return add_source(dataset, word_of("importance.method", method), config->targets.items[target].layer);
    }
    if (series == RUN_CAM_VALUES &&
        add_meaning(dataset, "class activation maps, each scaled to 0..1, one behind the other; /cam/frames says which is where") < 0)
        return -1;
    for (enum run_table table = 0; table < RUN_TABLE_COUNT; table++)
        if (run_layout_table(table) == series && run_table_describe(dataset, table, &config->targets) < 0)
            return -1;
    if (series == RUN_CAM_VALUES || series == RUN_CAM_FRAMES)
        return add_source(dataset, word_of("cam.method", (int)config->cam.method), header->cam_layer);
    return 0;
}

herr_t run_layout_create(const struct run_layout *layout, hid_t root, const struct run_file_header *header)
{
    for (int i = 0; i < RUN_SERIES_COUNT; i++) {
        if (!layout->series[i].chunk)
            continue;
        hid_t dataset = run_series_create(&layout->series[i], root);
        if (dataset < 0)
            return -1;
        herr_t done = describe(dataset, i, header);
        if (H5Dclose(dataset) < 0 || done < 0)
            return -1;
    }
    return 0;
}
