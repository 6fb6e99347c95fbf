// SPDX-License-Identifier: MIT
#include "report/set_data.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "report/page_data.h"

static json_t *value_json(const struct run_column *column, const char *place)
{
    double number;
    int64_t whole;
    switch (column->kind) {
    case COLUMN_TEXT:
        return page_data_text(place);
    case COLUMN_INT64:
        memcpy(&whole, place, sizeof whole);
        return json_integer(whole);
    default:
        assert(column->kind == COLUMN_DOUBLE);
        memcpy(&number, place, sizeof number);
        return page_data_number(number);
    }
}

// Rows of a table as objects, by the names of their columns.
static json_t *rows_json(enum run_dataset table, const void *records, size_t count, size_t size)
{
    json_t *list = json_array();
    size_t width;
    const struct run_column *columns = run_table_columns(table, &width);
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_object();
        for (size_t k = 0; k < width; k++)
            json_object_set_new(row, columns[k].name, value_json(&columns[k], (const char *)records + i * size + columns[k].offset));
        json_array_append_new(list, row);
    }
    return list;
}

// Of 1 in a mean map, thousandths.
static json_t *maps_json(const struct run_summary *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < summary->map_count; i++) {
        const struct map_summary *map = &summary->maps[i];
        json_t *values = json_array();
        for (int k = 0; k < SUMMARY_MAP_SIDE * SUMMARY_MAP_SIDE; k++)
            json_array_append_new(values, isfinite(map->mean[k]) ? json_integer(lround(1000 * map->mean[k])) : json_null());
        json_array_append_new(list, json_pack("{s:s, s:I, s:i, s:o}", "frame", map->frame, "count", (json_int_t)map->count, "side",
                                              SUMMARY_MAP_SIDE, "values", values));
    }
    return list;
}

static json_t *layout_json(const struct layout *layout)
{
    json_t *places = json_array();
    for (size_t i = 0; i < layout->count; i++)
        json_array_append_new(places,
                              json_pack("[I, o, o]", (json_int_t)layout->places[i].id, page_data_number((double)layout->places[i].x),
                                        page_data_number((double)layout->places[i].y)));
    return json_pack("{s:I, s:[o, o], s:o}", "all", (json_int_t)layout->all, "shares", page_data_number(layout->shares[0]),
                     page_data_number(layout->shares[1]), "places", places);
}

json_t *set_data_json(const struct run_summary *summary, const struct layout *layout)
{
    if (summary->pictures < 2)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "pictures", (json_int_t)summary->pictures, "layout", layout_json(layout), "metrics",
                     rows_json(RUN_SUMMARY_METRICS, summary->metrics, summary->metric_count, sizeof *summary->metrics), "outliers",
                     rows_json(RUN_SUMMARY_OUTLIERS, summary->outliers, summary->outlier_count, sizeof *summary->outliers), "faithfulness",
                     rows_json(RUN_SUMMARY_FAITHFULNESS, summary->scores, summary->score_count, sizeof *summary->scores), "maps",
                     maps_json(summary));
}

json_t *set_data_channels(const struct run_summary *summary, int target, const struct target_channels *picked)
{
    json_t *list = json_array();
    for (int i = 0; i < CHANNELS_MEAN && picked->mean[i].number >= 0; i++) {
        const int number = picked->mean[i].number;
        const struct channel_summary *known = number < summary->channel_counts[target] ? &summary->channels[target][number] : NULL;
        const bool all =
            known && summary->pictures > 1 && picked->known == summary->pictures && (size_t)known->importance.count == summary->pictures;
        if (all)
            json_array_append_new(list, json_pack("[i, o, o, o, o]", number, page_data_number(known->importance.mean),
                                                  page_data_number(known->importance.low), page_data_number(known->importance.high),
                                                  page_data_number(known->top_ten)));
        else
            json_array_append_new(list, json_pack("[i, o]", number, page_data_number(picked->mean[i].value)));
    }
    return list;
}
