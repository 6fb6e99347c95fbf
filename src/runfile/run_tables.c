// SPDX-License-Identifier: MIT
#include "runfile/run_tables.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/hdf5/hdf5_attributes.h"
#include "common/hdf5/hdf5_file.h"
#include "common/system/text.h"
#include "common/wire/run_rows.h"

#define COLUMN(record, name, member, kind, unit, description)                                                                              \
    {                                                                                                                                      \
        name, kind, offsetof(struct record, member), sizeof(((struct record *)0)->member), unit, description                               \
    }
#define IMAGE(member, kind, unit, description) COLUMN(image_row, #member, member, kind, unit, description)
#define STEP(member, kind, unit, description) COLUMN(step_row, #member, member, kind, unit, description)
#define CAM(member, kind, unit, description) COLUMN(cam_row, #member, member, kind, unit, description)
#define GRID(member, unit, description) COLUMN(cam_row, #member, grid.member, COLUMN_INT32, unit, description)
#define RANK(member, kind, unit, description) COLUMN(rank_row, #member, member, kind, unit, description)
#define TIMING(member, kind, unit, description) COLUMN(timing_row, #member, member, kind, unit, description)
// Two columns: of the original and of the dream, at full size.
#define BOTH(name, member, kind, description)                                                                                              \
    COLUMN(image_row, name "_before", before.member, kind, "1", "of the original at full size, NaN if unknown: " description),             \
        COLUMN(image_row, name "_after", after.member, kind, "1", "of the dream at full size, NaN if unknown: " description)

#define IMPORTANCE(member, description)                                                                                                    \
    COLUMN(image_row, #member, member[0], COLUMN_TARGETS, "1", "of expected gradients, NaN by other methods: " description)

// What is known of each target.
#define METRICS(METRIC)                                                                                                                    \
    METRIC("target_loss", loss, "loss of each target A, unweighted"), METRIC("score", score, "DeepDream score of each target, mean |A|"),  \
        METRIC("sparsity", sparsity, "1 - mean(A > metrics.threshold) of each target"),                                                    \
        METRIC("hoyer", hoyer, "Hoyer sparsity of each target: 0 where all values are equal, 1 where a single one is not 0"),              \
        METRIC("diversity", diversity, "1 - mean cosine of each target's channels, over pairs of channels that are not silent"),           \
        METRIC("diversity_seed", diversity_seed, "1 - |A|_2^2 of each target")
#define METRIC_OF_BOTH(name, member, description) BOTH(name, targets[0].member, COLUMN_METRICS, description)
#define METRIC_OF_STEP(name, member, description)                                                                                          \
    COLUMN(step_row, name, targets[0].member, COLUMN_METRICS, "1", "before the step: " description)

#define LOSS "weighted sum over targets, without the total-variation term"
#define TOTAL_VARIATION "(sum |dx| + sum |dy|) / number of samples"

static const struct run_column image_columns[] = {
    IMAGE(id, COLUMN_INT64, "", "0, 1, 2, ... in the order of the inputs; what was added later has the next ones that are free"),
    IMAGE(source, COLUMN_TEXT, "", "path, URL or noise:... of the input"),
    IMAGE(sha256, COLUMN_TEXT, "", "of the input's bytes; empty if it could not be read"),
    IMAGE(output, COLUMN_TEXT, "",
          "the picture, relative to the output folder; empty if there is none. Of one that has failed, that of its earlier dream, which "
          "stays"),
    IMAGE(bytes, COLUMN_INT64, "byte", "of the input; 0 if it could not be read"),
    IMAGE(modified, COLUMN_INT64, "ns", "when the input's file was changed last, since 1970; 0 for a URL"),
    IMAGE(width, COLUMN_INT32, "pixel", "of the input; 0 if it could not be decoded"),
    IMAGE(height, COLUMN_INT32, "pixel", "of the input; 0 if it could not be decoded"),
    IMAGE(bits, COLUMN_INT32, "bit", "a sample of the input; 0 if it could not be decoded"),
    IMAGE(band_red, COLUMN_FLAG, "", "band of a TIFF of grey or RGB that is red, from 1; 0 of others"),
    IMAGE(band_green, COLUMN_FLAG, "", "band of a TIFF of grey or RGB that is green, from 1; 0 of others"),
    IMAGE(band_blue, COLUMN_FLAG, "", "band of a TIFF of grey or RGB that is blue, from 1; 0 of others"),
    IMAGE(range_low, COLUMN_DOUBLE, "1", "value of a TIFF of grey or RGB that is black; NaN of others"),
    IMAGE(range_high, COLUMN_DOUBLE, "1", "value of a TIFF of grey or RGB that is white; NaN of others"),
    IMAGE(status, COLUMN_STATUS, "", "what became of it"),
    COLUMN(image_row, "same_as", same, COLUMN_ID, "",
           "id of the picture of the same bytes that was dreamed in its place, and to whose files its own are links; -1: it was dreamed "
           "itself, or that one was dreamed anew since: then rank is -1, and the dream a file of its own"),
    IMAGE(missing, COLUMN_FLAG, "", "1: done by an earlier run, and its file is not there any more"),
    IMAGE(rank, COLUMN_INT32, "", "the first of the ranks that dreamed it; -1 if none did"),
    IMAGE(team, COLUMN_INT32, "", "ranks that dreamed it; 0 if none did"),
    IMAGE(tiles, COLUMN_INT32, "", "tiles of the largest octave; 0 if none"),
    IMAGE(redundancy, COLUMN_DOUBLE, "1", "pixels that the network saw / pixels of the octaves; NaN if none"),
    IMAGE(error, COLUMN_TEXT, "", "why it failed"),
    IMAGE(seconds_read, COLUMN_DOUBLE, "s", "reading or fetching the input"),
    IMAGE(seconds_decode, COLUMN_DOUBLE, "s", "decoding the input"),
    IMAGE(seconds_wait, COLUMN_DOUBLE, "s", "waiting for a worker"),
    IMAGE(seconds_dream, COLUMN_DOUBLE, "s", "gradient ascent, or explaining"),
    IMAGE(seconds_encode, COLUMN_DOUBLE, "s", "encoding and writing the picture"),
    BOTH("loss", loss, COLUMN_DOUBLE, LOSS),
    METRICS(METRIC_OF_BOTH),
    BOTH("total_variation", total_variation, COLUMN_DOUBLE, TOTAL_VARIATION),
    COLUMN(image_row, "psnr_after", after.psnr, COLUMN_DOUBLE, "dB", "of the dream to the original at full size; NaN if unknown"),
    IMPORTANCE(importance_value, "L of the dream, the weighted loss of each target and those behind it"),
    IMPORTANCE(importance_expected, "mean L of the baselines"),
    IMPORTANCE(importance_residual, "what each target's importance lacks of summing up: |sum - (value - expected)| / |value - expected|"),
};

// What a step's numbers are of: the octave as it was before the update.
static const struct run_column step_columns[] = {
    STEP(image, COLUMN_INT64, "", "id of the row in /images"),
    STEP(octave, COLUMN_INT32, "", "0 is the smallest"),
    STEP(step, COLUMN_INT32, "", "within the octave, from 0"),
    STEP(width, COLUMN_INT32, "pixel", "of the octave"),
    STEP(height, COLUMN_INT32, "pixel", "of the octave"),
    STEP(frame, COLUMN_INT32, "", "number of the frame that shows it before the step; -1 if none does"),
    STEP(loss, COLUMN_DOUBLE, "1", "before the step: " LOSS),
    METRICS(METRIC_OF_STEP),
    STEP(total_variation, COLUMN_DOUBLE, "1", "before the step: " TOTAL_VARIATION),
    STEP(psnr, COLUMN_DOUBLE, "dB", "before the step: to the original at this size; infinite where they are the same"),
    STEP(gradient_norm, COLUMN_DOUBLE, "1",
         "l2 norm of the gradient as shaped (guided, smoothed, with the total-variation term), before it is normalised"),
    STEP(seconds, COLUMN_DOUBLE, "s", "the step"),
};

static const struct run_column cam_columns[] = {
    CAM(image, COLUMN_INT64, "", "id of the row in /images"),
    CAM(frame, COLUMN_INT32, "", "number within the image, from 0, as in /steps"),
    CAM(octave, COLUMN_INT32, "", "that it was made in"),
    CAM(step, COLUMN_INT32, "", "before which it was made; the number of steps: after the last"),
    GRID(height, "", "values of the map, downwards"),
    GRID(width, "", "values of the map, across"),
    GRID(stride, "pixel", "of the octave, from one value to the next"),
    GRID(centre, "pixel", "of the octave as the network saw it, for which the first value stands, both directions"),
    GRID(dy, "pixel", "that the octave was rolled by downwards when the network saw it"),
    GRID(dx, "pixel", "that the octave was rolled by to the right when the network saw it"),
    GRID(octave_width, "pixel", "of the octave"),
    GRID(octave_height, "pixel", "of the octave"),
    CAM(scale, COLUMN_DOUBLE, "1", "largest value of the map before it was scaled to 0..1"),
    CAM(offset, COLUMN_INT64, "", "place of the map's first value in /cam/values; the others follow row by row"),
};

static const struct run_column rank_columns[] = {
    RANK(host, COLUMN_TEXT, "", "its name"),
    RANK(cores, COLUMN_INT32, "", "that the rank is bound to; siblings (SMT) are one"),
    RANK(node_cores, COLUMN_INT32, "", "that the ranks of its host are bound to, all together"),
};

static const struct run_column timing_columns[] = {
    TIMING(rank, COLUMN_INT32, "", "its host: the row of that number, from 0, in /ranks"),
    TIMING(phase, COLUMN_TEXT, "", "what the rank was doing"),
    TIMING(count, COLUMN_INT64, "", "times that it began to do so"),
    TIMING(seconds, COLUMN_DOUBLE, "s", "all of them together"),
    TIMING(bytes, COLUMN_INT64, "byte", "moved between ranks, by this one, or read and written"),
};

#define MOMENTS(record, member)                                                                                                            \
    COLUMN(record, "count", member.count, COLUMN_INT64, "", "pictures of which it is known"),                                              \
        COLUMN(record, "mean", member.mean, COLUMN_DOUBLE, "", "over these"),                                                              \
        COLUMN(record, "deviation", member.deviation, COLUMN_DOUBLE, "", "standard deviation of the sample; NaN of fewer than two"),       \
        COLUMN(record, "low", member.low, COLUMN_DOUBLE, "", "95% confidence interval of the mean, by Student's t: from here"),            \
        COLUMN(record, "high", member.high, COLUMN_DOUBLE, "", "to here")
#define QUANTILE(member, description) COLUMN(metric_summary, #member, numbers.member, COLUMN_DOUBLE, "", description)
#define TEXT_OF(record, member, description) COLUMN(record, #member, member, COLUMN_TEXT, "", description)
#define METRIC_TEXTS(record)                                                                                                               \
    TEXT_OF(record, metric, "column of /images"), TEXT_OF(record, target, "layer of the target; empty: a number of the whole picture")

static const struct run_column metric_columns[] = {
    METRIC_TEXTS(metric_summary),
    MOMENTS(metric_summary, numbers.moments),
    QUANTILE(smallest, "of these numbers"),
    QUANTILE(q05, "quantile of 5%, interpolated between numbers"),
    QUANTILE(q25, "of 25%"),
    QUANTILE(median, "of 50%"),
    QUANTILE(q75, "of 75%"),
    QUANTILE(q95, "of 95%"),
    QUANTILE(largest, "of these numbers"),
};

#define MAP_TEXTS(record)                                                                                                                  \
    TEXT_OF(record, map, "of explain.h5, or edges, or random"), TEXT_OF(record, target, "layer of the map; empty: of the whole loss")
#define SCORE(member, description) COLUMN(faithfulness_row, #member, member, COLUMN_DOUBLE, "1", description)

static const struct run_column faithfulness_columns[] = {
    COLUMN(faithfulness_row, "image", image, COLUMN_INT64, "", "id of the row in /images"),
    MAP_TEXTS(faithfulness_row),
    SCORE(deletion, "area under L / L(picture) while the map's cells are taken away, those that count most first"),
    SCORE(insertion, "the same while they are put into a flat picture of the mean colour"),
    SCORE(randomised, "Spearman's rank correlation with the map that random weights give; NaN where one is the same everywhere"),
};

#define FRAME(member, kind, unit, description) COLUMN(frame_row, #member, member, kind, unit, description)
#define FACT(member, kind, unit, description) COLUMN(frame_row, #member, facts.member, kind, unit, description)
#define METRIC_OF_FRAME(name, member, description)                                                                                         \
    COLUMN(frame_row, name, metrics.targets[0].member, COLUMN_METRICS, "1", "of the dream at full size: " description)

static const struct run_column frame_columns[] = {
    FRAME(image, COLUMN_INT64, "", "id of the row in /images"),
    FRAME(frame, COLUMN_INT64, "", "number in the clip, from 0"),
    FRAME(segment, COLUMN_INT32, "", "that it was dreamed in, from 0; at its joints two segments dream a frame"),
    FRAME(time, COLUMN_DOUBLE, "s", "from the first frame on"),
    FRAME(seconds, COLUMN_DOUBLE, "s", "that it took"),
    FACT(steps, COLUMN_INT32, "", "updates of each octave"),
    FACT(first, COLUMN_INT32, "", "1: nothing came before it in its segment"),
    FACT(cut, COLUMN_INT32, "", "1: it shows nothing of the frame before, and its dream began anew"),
    FACT(trust, COLUMN_DOUBLE, "1", "mean, in the motion from the frame before; 0 where there is none"),
    FACT(warp_error, COLUMN_DOUBLE, "grey level",
         "mean |dream - dream before, moved| of luminance in 0..255, where the motion is trusted; NaN where it is not known"),
    FACT(warp_error_input, COLUMN_DOUBLE, "grey level", "the same of the frames as they came in"),
    COLUMN(frame_row, "loss", metrics.loss, COLUMN_DOUBLE, "1", "of the dream at full size: " LOSS),
    METRICS(METRIC_OF_FRAME),
    COLUMN(frame_row, "total_variation", metrics.total_variation, COLUMN_DOUBLE, "1", "of the dream: " TOTAL_VARIATION),
    COLUMN(frame_row, "psnr", metrics.psnr, COLUMN_DOUBLE, "dB", "of the dream to what it began with"),
};

static const struct run_column faithfulness_summary_columns[] = {
    MAP_TEXTS(faithfulness_summary),
    TEXT_OF(faithfulness_summary, measure,
            "deletion, insertion, randomised: columns of /faithfulness; difference: insertion - deletion; beats_random: 1 where that is "
            "larger than the random map's, 0 elsewhere"),
    MOMENTS(faithfulness_summary, numbers),
};

static const struct run_column outlier_columns[] = {
    METRIC_TEXTS(outlier_row),
    TEXT_OF(outlier_row, sha256, "of the input's bytes"),
    TEXT_OF(outlier_row, source, "of the picture in /images"),
    COLUMN(outlier_row, "number", number, COLUMN_DOUBLE, "", "its number"),
    COLUMN(outlier_row, "deviations", deviations, COLUMN_DOUBLE, "1", "(number - median) / (1.4826 median |number - median|)"),
};

static const struct run_column map_columns[] = {
    TEXT_OF(map_summary, frame, "first: of the picture; last: of the dream"),
    COLUMN(map_summary, "count", count, COLUMN_INT64, "", "maps"),
    COLUMN(map_summary, "mean", mean, COLUMN_MAP, "1", "of all these maps, each brought to this size"),
};

static const struct run_column channel_columns[] = {
    COLUMN(channel_summary, "channel", channel, COLUMN_INT32, "", "of the layer"),
    MOMENTS(channel_summary, importance),
    COLUMN(channel_summary, "top_ten", top_ten, COLUMN_DOUBLE, "1", "part of the pictures in which it is one of the ten that count most"),
};

#define COLUMNS(columns) columns, sizeof(columns) / sizeof(columns)[0]

static const struct dataset {
    const char *name; // of one for each target: its group
    size_t chunk;     // rows
    const struct run_column *columns;
    size_t column_count;
} datasets[] = {
    [RUN_RANKS] = {"ranks", 128, COLUMNS(rank_columns)},
    [RUN_STEPS] = {"steps", 1024, COLUMNS(step_columns)},
    [RUN_CAM_VALUES] = {"cam/values", 128 * 1024, NULL, 0}, // some 40 maps of 48 x 64
    [RUN_IMPORTANCE] = {"importance", 64, NULL, 0},         // of every target; as many rows wait as in /images
    [RUN_CAM_FRAMES] = {"cam/frames", 1024, COLUMNS(cam_columns)},
    [RUN_PEAKS] = {"peaks", 16, NULL, 0}, // of every target
    [RUN_FRAMES] = {"frames", 256, COLUMNS(frame_columns)},
    [RUN_FAITHFULNESS] = {"faithfulness", 256, COLUMNS(faithfulness_columns)},
    [RUN_IMAGES] = {"images", 64, COLUMNS(image_columns)},
    [RUN_EARLIER] = {"earlier", 64, COLUMNS(image_columns)},
    [RUN_TIMING] = {"timing", 256, COLUMNS(timing_columns)},
    [RUN_SUMMARY_METRICS] = {"summary/metrics", 64, COLUMNS(metric_columns)},
    [RUN_SUMMARY_OUTLIERS] = {"summary/outliers", 64, COLUMNS(outlier_columns)},
    [RUN_SUMMARY_FAITHFULNESS] = {"summary/faithfulness", 64, COLUMNS(faithfulness_summary_columns)},
    [RUN_SUMMARY_CAM] = {"summary/cam", 2, COLUMNS(map_columns)},
    [RUN_SUMMARY_IMPORTANCE] = {"summary/importance", 256, COLUMNS(channel_columns)}, // of every target
};
#define FIT(columns) (sizeof(columns) / sizeof(columns)[0] <= RUN_COLUMNS_MAX)
static_assert(FIT(rank_columns) && FIT(step_columns) && FIT(cam_columns) && FIT(image_columns) && FIT(timing_columns) &&
                  FIT(metric_columns) && FIT(faithfulness_columns) && FIT(faithfulness_summary_columns) && FIT(outlier_columns) &&
                  FIT(map_columns) && FIT(channel_columns) && FIT(frame_columns),
              "RUN_COLUMNS_MAX is too small");

int run_dataset_target(enum run_dataset dataset)
{
    if (run_dataset_is_importance(dataset))
        return (int)dataset - RUN_IMPORTANCE;
    if (run_dataset_is_peaks(dataset))
        return (int)dataset - RUN_PEAKS;
    return dataset >= RUN_SUMMARY_IMPORTANCE && dataset < RUN_DATASETS ? (int)dataset - RUN_SUMMARY_IMPORTANCE : -1;
}

int run_dataset_width(enum run_dataset dataset, const int *channels)
{
    if (run_dataset_is_importance(dataset))
        return channels[run_dataset_target(dataset)];
    return run_dataset_is_peaks(dataset) ? channels[run_dataset_target(dataset)] * PEAK_KINDS * PEAK_NUMBERS : 0;
}

// What all targets have alike stands once.
static const struct dataset *dataset_of(enum run_dataset dataset)
{
    return &datasets[run_dataset_is_importance(dataset) ? RUN_IMPORTANCE
                     : run_dataset_is_peaks(dataset)    ? RUN_PEAKS
                     : run_dataset_target(dataset) >= 0 ? RUN_SUMMARY_IMPORTANCE
                                                        : dataset];
}

bool run_dataset_is_new(enum run_dataset dataset)
{
    return dataset == RUN_FAITHFULNESS || dataset == RUN_FRAMES || run_dataset_is_peaks(dataset);
}

void run_dataset_name(enum run_dataset dataset, const char *layer, char name[RUN_NAME_MAX])
{
    const bool one_each = run_dataset_target(dataset) >= 0;
    snprintf(name, RUN_NAME_MAX, "%s%s%s", dataset_of(dataset)->name, one_each ? "/" : "", one_each ? layer : "");
}

size_t run_dataset_chunk(enum run_dataset dataset)
{
    return dataset_of(dataset)->chunk;
}

static hid_t status_type(void)
{
    static const struct {
        const char *name;
        int32_t value;
    } members[] = {{"done", IMAGE_DONE}, {"failed", IMAGE_FAILED}, {"stopped", IMAGE_STOPPED}};
    hid_t type = H5Tenum_create(H5T_NATIVE_INT32);
    for (size_t i = 0; type >= 0 && i < sizeof members / sizeof members[0]; i++)
        if (H5Tenum_insert(type, members[i].name, &members[i].value) < 0)
            hdf5_close(&type);
    return type;
}

static hid_t column_type(const struct run_column *column, int targets)
{
    hsize_t length = (hsize_t)targets;
    switch (column->kind) {
    case COLUMN_INT32:
    case COLUMN_FLAG:
        return H5Tcopy(H5T_NATIVE_INT32);
    case COLUMN_INT64:
    case COLUMN_ID:
        return H5Tcopy(H5T_NATIVE_INT64);
    case COLUMN_DOUBLE:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case COLUMN_TEXT:
        return hdf5_text_type(column->size);
    case COLUMN_STATUS:
        return status_type();
    case COLUMN_METRICS:
    case COLUMN_TARGETS:
        return H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &length);
    case COLUMN_MAP:
        return H5Tarray_create2(H5T_NATIVE_DOUBLE, 2, (const hsize_t[]){SUMMARY_MAP_SIDE, SUMMARY_MAP_SIDE});
    }
    return -1;
}

const struct run_column *run_table_columns(enum run_dataset table, size_t *count)
{
    *count = dataset_of(table)->column_count;
    return dataset_of(table)->columns;
}

bool run_column_is_array(const struct run_column *column)
{
    return column->kind == COLUMN_METRICS || column->kind == COLUMN_TARGETS;
}

size_t run_column_stride(const struct run_column *column)
{
    return column->kind == COLUMN_METRICS ? sizeof(struct target_metrics) : column->size;
}

// Bytes in a row.
static size_t packed_size(const struct run_column *column, int targets)
{
    return run_column_is_array(column) ? (size_t)targets * column->size : column->size;
}

hid_t run_table_type(enum run_dataset table, int targets, const bool *present)
{
    assert(targets >= 1 && targets <= CONFIG_TARGETS_MAX);
    size_t size = 0, offset = 0;
    for (size_t i = 0; i < dataset_of(table)->column_count; i++)
        size += packed_size(&dataset_of(table)->columns[i], targets);
    hid_t type = H5Tcreate(H5T_COMPOUND, size);
    for (size_t i = 0; type >= 0 && i < dataset_of(table)->column_count; i++) {
        const struct run_column *column = &dataset_of(table)->columns[i];
        HDF5_HANDLE member = column_type(column, targets);
        if ((!present || present[i]) && (member < 0 || H5Tinsert(type, column->name, offset, member) < 0))
            hdf5_close(&type);
        offset += packed_size(column, targets);
    }
    return type;
}

// Text of a fixed length, which a peer may have left without its end: well-formed, and nothing behind it.
static void clean_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    utf8_clean(text, '?');
    const size_t length = strlen(text);
    memset(text + length, 0, size - length);
}

static void shift_id(char *place, int64_t by)
{
    int64_t id;
    memcpy(&id, place, sizeof id);
    id = (int64_t)((uint64_t)id + (uint64_t)by); // that of a file may be anything
    memcpy(place, &id, sizeof id);
}

// Each value of a record and its place in a row: from one to the other.
static void copy(enum run_dataset table, int targets, const bool *present, char *record, char *row, bool pack)
{
    for (size_t i = 0; i < dataset_of(table)->column_count; i++) {
        const struct run_column *column = &dataset_of(table)->columns[i];
        const size_t stride = run_column_stride(column);
        char *value = record + column->offset, *place = row;
        row += packed_size(column, targets);
        if (present && !present[i])
            continue;
        for (; place < row; value += stride, place += column->size)
            memcpy(pack ? place : value, pack ? value : place, column->size);
        if (column->kind == COLUMN_ID)
            shift_id(pack ? row - column->size : record + column->offset, pack ? -1 : 1);
        if (column->kind == COLUMN_TEXT)
            clean_text(pack ? row - column->size : record + column->offset, column->size);
    }
}

void run_table_pack(enum run_dataset table, int targets, const void *record, void *row)
{
    copy(table, targets, NULL, (void *)record, row, true);
}

void run_table_unpack(enum run_dataset table, int targets, const bool *present, const void *row, void *record)
{
    copy(table, targets, present, record, (void *)row, false);
}

bool run_table_find(enum run_dataset table, hid_t type, bool *present)
{
    bool whole = H5Tget_class(type) == H5T_COMPOUND;
    const int members = whole ? H5Tget_nmembers(type) : 0;
    for (size_t i = 0; i < dataset_of(table)->column_count; i++) {
        const struct run_column *column = &dataset_of(table)->columns[i];
        present[i] = false;
        for (int k = 0; k < members && !present[i]; k++) { // H5Tget_member_index() calls a missing one an error, and says much about it
            char *name = H5Tget_member_name(type, (unsigned)k);
            present[i] = name && strcmp(name, column->name) == 0;
            H5free_memory(name);
        }
        whole = whole && (present[i] || column->kind == COLUMN_DOUBLE || column->kind == COLUMN_FLAG || column->kind == COLUMN_ID ||
                          run_column_is_array(column));
    }
    return whole;
}

int run_table_column(enum run_dataset table, const char *name)
{
    int i = 0;
    while (i < (int)dataset_of(table)->column_count && strcmp(dataset_of(table)->columns[i].name, name) != 0)
        i++;
    return i < (int)dataset_of(table)->column_count ? i : -1;
}

size_t run_table_metrics(struct run_metric *metrics)
{
    size_t count = 0;
    for (size_t i = 0; i < datasets[RUN_IMAGES].column_count; i++) {
        const struct run_column *column = &image_columns[i];
        const char *end = strrchr(column->name, '_');
        const bool of_picture = end && (strcmp(end, "_before") == 0 || strcmp(end, "_after") == 0);
        if (of_picture || column->kind == COLUMN_TARGETS)
            metrics[count++] = (struct run_metric){
                .name = column->name, .offset = column->offset, .stride = run_column_is_array(column) ? run_column_stride(column) : 0};
    }
    return count;
}
