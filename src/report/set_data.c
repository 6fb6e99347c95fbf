// SPDX-License-Identifier: MIT
#include "report/set_data.h"

#include <math.h>

#include "report/page_data.h"

static void set_number(json_t *object, const char *key, double number)
{
    json_object_set_new(object, key, page_data_number(number));
}

static json_t *metrics_json(const struct run_summary *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < summary->metric_count; i++) {
        const struct metric_summary *metric = &summary->metrics[i];
        const struct distribution *numbers = &metric->numbers;
        json_t *row = json_pack("{s:s, s:o, s:I}", "metric", metric->metric, "target", page_data_text(metric->target), "count",
                                (json_int_t)numbers->moments.count);
        const struct {
            const char *key;
            double number;
        } parts[] = {
            {"mean", numbers->moments.mean}, {"deviation", numbers->moments.deviation},
            {"low", numbers->moments.low},   {"high", numbers->moments.high},
            {"smallest", numbers->smallest}, {"q05", numbers->q05},
            {"q25", numbers->q25},           {"median", numbers->median},
            {"q75", numbers->q75},           {"q95", numbers->q95},
            {"largest", numbers->largest},
        };
        for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
            set_number(row, parts[k].key, parts[k].number);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *outliers_json(const struct run_summary *summary)
{
    json_t *list = json_array();
    for (size_t i = 0; i < summary->outlier_count; i++) {
        const struct outlier_row *row = &summary->outliers[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "metric", row->metric, "target",
                                              page_data_text(row->target), "sha256", row->sha256, "source", page_data_text(row->source),
                                              "number", page_data_number(row->number), "deviations", page_data_number(row->deviations)));
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

json_t *set_data_json(const struct run_summary *summary)
{
    if (summary->pictures < 2)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o}", "pictures", (json_int_t)summary->pictures, "metrics", metrics_json(summary), "outliers",
                     outliers_json(summary), "maps", maps_json(summary));
}

json_t *set_data_channels(const struct run_summary *summary, int target, const struct target_channels *picked)
{
    json_t *list = json_array();
    for (int i = 0; i < CHANNELS_MEAN && picked->mean[i].number >= 0; i++) {
        const int number = picked->mean[i].number;
        const struct channel_summary *known = number < summary->channel_counts[target] ? &summary->channels[target][number] : NULL;
        const bool all =
            known && summary->pictures > 1 && picked->known == summary->pictures && (size_t)known->importance.count == summary->pictures;
        json_t *row = json_pack("[i, o]", number, page_data_number(all ? known->importance.mean : picked->mean[i].value));
        const double numbers[] = {all ? known->importance.low : NAN, all ? known->importance.high : NAN, all ? known->top_ten : NAN};
        for (int k = 0; k < 3 && all; k++)
            json_array_append_new(row, page_data_number(numbers[k]));
        json_array_append_new(list, row);
    }
    return list;
}
