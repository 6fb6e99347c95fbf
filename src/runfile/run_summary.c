// SPDX-License-Identifier: MIT
#include "runfile/run_summary.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/channel_input.h"
#include "runfile/run_images.h"

enum { TOP = 10, MAP_VALUES = SUMMARY_MAP_SIDE * SUMMARY_MAP_SIDE };

static const double far_away = 3.5;        // deviations from the median: Iglewicz & Hoaglin 1993
static const double mad_to_sigma = 1.4826; // of normal numbers

// All that is made on the way.
struct making {
    struct run_reader *reader;
    struct run_images images;
    const struct run_image **pictures; // that count, by digest, then path
    size_t count;
    struct run_metric metrics[RUN_COLUMNS_MAX];
    size_t metric_count;
    int targets;
    size_t width;    // numbers of a picture: of each metric one, or one for each target
    double *numbers; // [width][count]
    double *sorted;  // [count]
};

static int by_digest(const void *a, const void *b)
{
    const struct run_image *x = *(const struct run_image *const *)a, *y = *(const struct run_image *const *)b;
    const int order = strcmp(x->sha256, y->sha256);
    return order ? order : strcmp(x->source, y->source);
}

// Done, and of its bytes the one that was looked at; in an atlas no channel's own dream.
static bool counts(const struct making *m, const struct run_image *image)
{
    const bool own = strcmp(m->reader->facts.kind, "atlas") == 0 && channel_input_is_named(image->source);
    return image->status == IMAGE_DONE && image->same == 0 && !own;
}

static enum status choose_pictures(struct making *m)
{
    TRY(run_images_read(m->reader, &m->images));
    TRY(ALLOCATE(m->pictures, m->images.count + 1, "for a summary of %zu pictures", m->images.count));
    for (size_t i = 0; i < m->images.count; i++)
        if (counts(m, &m->images.items[i]))
            m->pictures[m->count++] = &m->images.items[i];
    qsort(m->pictures, m->count, sizeof *m->pictures, by_digest);
    return STATUS_OK;
}

static size_t numbers_of(const struct making *m, const struct run_metric *metric)
{
    return metric->stride ? (size_t)m->targets : 1;
}

static enum status read_numbers(struct making *m)
{
    struct run_cursor *cursor;
    size_t *places; // of each row among the pictures that count; their number: none
    m->metric_count = run_table_metrics(m->metrics);
    for (size_t i = 0; i < m->metric_count; i++)
        m->width += numbers_of(m, &m->metrics[i]);
    TRY(ALLOCATE(m->numbers, m->width * m->count + 1, "for a summary of %zu pictures", m->count));
    TRY(ALLOCATE(m->sorted, m->count + 1, "for a summary of %zu pictures", m->count));
    TRY(run_cursor_open(&cursor, m->reader, RUN_IMAGES));
    enum status rc = ALLOCATE(places, cursor->rows + 1, "for a summary of %zu pictures", m->count);
    for (size_t i = 0; rc == STATUS_OK && i < cursor->rows; i++)
        places[i] = m->count;
    for (size_t i = 0; rc == STATUS_OK && i < m->count; i++)
        places[m->pictures[i]->row] = i;
    const char *row;
    for (size_t at = 0; rc == STATUS_OK && (row = run_cursor_next(cursor)); at++) {
        double *number = m->numbers + places[at];
        for (size_t i = 0; i < m->metric_count && places[at] < m->count; i++)
            for (size_t t = 0; t < numbers_of(m, &m->metrics[i]); t++, number += m->count)
                memcpy(number, row + m->metrics[i].offset + t * m->metrics[i].stride, sizeof *number);
    }
    free(places);
    return run_cursor_close(&cursor, rc);
}

// The farthest first; of equal ones the first by digest.
static void keep_outlier(struct outlier_row *kept, size_t *count, const struct outlier_row *row)
{
    size_t place = *count;
    while (place > 0 && fabs(row->deviations) > fabs(kept[place - 1].deviations))
        place--;
    if (place == SUMMARY_OUTLIERS)
        return;
    *count += *count < SUMMARY_OUTLIERS;
    memmove(kept + place + 1, kept + place, (*count - 1 - place) * sizeof *kept);
    kept[place] = *row;
}

static void find_outliers(const struct making *m, const double *numbers, const struct metric_summary *metric, struct run_summary *summary)
{
    const double middle = metric->numbers.median;
    struct outlier_row *kept = summary->outliers + summary->outlier_count;
    size_t finite = 0, count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (isfinite(numbers[i]))
            m->sorted[finite++] = fabs(numbers[i] - middle);
    const double spread = mad_to_sigma * distribution_of(m->sorted, finite).median;
    for (size_t i = 0; i < m->count && spread > 0 && finite >= SUMMARY_OUTLIERS_FROM; i++) {
        struct outlier_row row = {.number = numbers[i], .deviations = (numbers[i] - middle) / spread};
        if (!isfinite(numbers[i]) || fabs(row.deviations) <= far_away)
            continue;
        memcpy(row.metric, metric->metric, sizeof row.metric);
        memcpy(row.target, metric->target, sizeof row.target);
        memcpy(row.sha256, m->pictures[i]->sha256, sizeof row.sha256);
        snprintf(row.source, sizeof row.source, "%s", m->pictures[i]->source);
        keep_outlier(kept, &count, &row);
    }
    summary->outlier_count += count;
}

static enum status summarise_metrics(struct making *m, struct run_summary *summary)
{
    TRY(read_numbers(m));
    const double *numbers = m->numbers;
    TRY(ALLOCATE(summary->metrics, m->width, "for a summary"));
    TRY(ALLOCATE(summary->outliers, m->width * SUMMARY_OUTLIERS, "for a summary"));
    for (size_t i = 0; i < m->metric_count; i++)
        for (size_t t = 0; t < numbers_of(m, &m->metrics[i]); t++, numbers += m->count) {
            struct metric_summary *metric = &summary->metrics[summary->metric_count++];
            memcpy(m->sorted, numbers, m->count * sizeof *numbers);
            metric->numbers = distribution_of(m->sorted, m->count);
            snprintf(metric->metric, sizeof metric->metric, "%s", m->metrics[i].name);
            if (m->metrics[i].stride)
                snprintf(metric->target, sizeof metric->target, "%s", m->reader->facts.targets.items[t]);
            find_outliers(m, numbers, metric, summary);
        }
    return STATUS_OK;
}

// Sums of one target's channels.
struct channel_sums {
    struct exact_sum sum, squares;
    int64_t count, top;
};

// Counts the channels whose values are largest, whatever their sign, of equal ones the first. One of 0 counts for nothing.
static void count_top(const float *values, int channels, struct channel_sums *sums)
{
    int top[TOP], count = 0;
    for (int c = 0; c < channels; c++) {
        int place = count;
        if (!isfinite(values[c]) || values[c] == 0)
            continue;
        while (place > 0 && fabsf(values[c]) > fabsf(values[top[place - 1]]))
            place--;
        if (place == TOP)
            continue;
        count += count < TOP;
        memmove(top + place + 1, top + place, (size_t)(count - 1 - place) * sizeof *top);
        top[place] = c;
    }
    for (int i = 0; i < count; i++)
        sums[top[i]].top++;
}

static enum status sum_channels(struct making *m, int target, int channels, struct channel_sums *sums, float *values)
{
    double *means;
    enum status rc = STATUS_OK;
    for (size_t i = 0; i < m->count; i++) {
        TRY(run_reader_importance(m->reader, target, m->pictures[i]->row, values));
        count_top(values, channels, sums);
        for (int c = 0; c < channels; c++)
            if (isfinite(values[c])) {
                exact_sum_add(&sums[c].sum, values[c]);
                sums[c].count++;
            }
    }
    TRY(ALLOCATE(means, (size_t)channels, "for a summary of %d channels", channels));
    for (int c = 0; c < channels; c++)
        means[c] = exact_sum_value(&sums[c].sum) / (double)sums[c].count;
    for (size_t i = 0; i < m->count && rc == STATUS_OK; i++) {
        rc = run_reader_importance(m->reader, target, m->pictures[i]->row, values);
        for (int c = 0; c < channels && rc == STATUS_OK; c++)
            if (isfinite(values[c]))
                exact_sum_add_square(&sums[c].squares, values[c] - means[c]);
    }
    free(means);
    return rc;
}

static enum status summarise_channels(struct making *m, int target, struct run_summary *summary)
{
    const int channels = run_reader_channels(m->reader, target, NULL);
    struct channel_sums *sums = NULL;
    float *values = NULL;
    enum status rc;
    if (channels == 0)
        return STATUS_OK;
    TRY_OUT(ALLOCATE(summary->channels[target], (size_t)channels, "for a summary of %d channels", channels));
    TRY_OUT(ALLOCATE(sums, (size_t)channels, "for a summary of %d channels", channels));
    TRY_OUT(ALLOCATE(values, (size_t)channels, "for a summary of %d channels", channels));
    TRY_OUT(sum_channels(m, target, channels, sums, values));
    for (int c = 0; c < channels; c++) {
        const double mean = exact_sum_value(&sums[c].sum) / (double)sums[c].count;
        summary->channels[target][c] = (struct channel_summary){.channel = c,
                                                                .importance = moments_of(sums[c].count, mean, &sums[c].squares),
                                                                .top_ten = (double)sums[c].top / (double)sums[c].count};
    }
    summary->channel_counts[target] = channels;
out:
    free(sums);
    free(values);
    return rc;
}

static int by_id(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = ((const struct run_image *)b)->id;
    return (x > y) - (x < y);
}

// The place of a picture in the list of images, if it counts; their number if not.
static size_t place_of(const struct making *m, int64_t image)
{
    const struct run_image *found = bsearch(&image, m->images.items, m->images.count, sizeof *m->images.items, by_id);
    return found && counts(m, found) ? (size_t)(found - m->images.items) : m->images.count;
}

// Of each picture the number of its last frame; -1: it has none.
static enum status find_last_frames(struct making *m, int32_t *last)
{
    struct run_cursor *cursor;
    const struct cam_row *frame;
    for (size_t i = 0; i < m->images.count; i++)
        last[i] = -1;
    TRY(run_cursor_open(&cursor, m->reader, RUN_CAM_FRAMES));
    while ((frame = run_cursor_next(cursor))) {
        const size_t place = place_of(m, frame->image);
        if (place < m->images.count && frame->frame > last[place])
            last[place] = frame->frame;
    }
    return run_cursor_close(&cursor, STATUS_OK);
}

// A map that makes no sense, in a file that is not ours, does not count.
static enum status add_map(struct making *m, const struct cam_row *frame, struct exact_sum *sums, int64_t *count)
{
    struct heat heat;
    float row[SUMMARY_MAP_SIDE];
    if (heat_create(&heat, &frame->grid) != STATUS_OK)
        return STATUS_OK;
    free(heat.values);
    heat.values = NULL;
    TRY(run_reader_map(m->reader, frame, &heat.values));
    for (int y = 0; y < SUMMARY_MAP_SIDE; y++) {
        heat_row(&heat, SUMMARY_MAP_SIDE, SUMMARY_MAP_SIDE, y, row);
        for (int x = 0; x < SUMMARY_MAP_SIDE; x++)
            exact_sum_add(&sums[y * SUMMARY_MAP_SIDE + x], isfinite(row[x]) ? row[x] : 0);
    }
    *count += 1;
    heat_destroy(&heat);
    return STATUS_OK;
}

static enum status sum_maps(struct making *m, const int32_t *last, struct exact_sum (*sums)[MAP_VALUES], struct map_summary *maps)
{
    struct run_cursor *cursor;
    const struct cam_row *frame;
    enum status rc = STATUS_OK;
    TRY(run_cursor_open(&cursor, m->reader, RUN_CAM_FRAMES));
    while (rc == STATUS_OK && (frame = run_cursor_next(cursor))) {
        const size_t place = place_of(m, frame->image);
        const bool wanted[2] = {place < m->images.count && frame->frame == 0, place < m->images.count && frame->frame == last[place]};
        for (int k = 0; k < 2 && rc == STATUS_OK; k++)
            if (wanted[k])
                rc = add_map(m, frame, sums[k], &maps[k].count);
    }
    return run_cursor_close(&cursor, rc);
}

static enum status summarise_maps(struct making *m, struct run_summary *summary)
{
    int32_t *last = NULL;
    struct exact_sum(*sums)[MAP_VALUES] = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(last, m->images.count + 1, "for a summary of %zu pictures", m->count));
    TRY_OUT(ALLOCATE(sums, 2, "for the mean of maps"));
    TRY_OUT(ALLOCATE(summary->maps, 2, "for the mean of maps"));
    TRY_OUT(find_last_frames(m, last));
    TRY_OUT(sum_maps(m, last, sums, summary->maps));
    const int kinds = strcmp(m->reader->facts.kind, "dream") == 0 ? 2 : 1; // without dreams the first is the last
    for (int k = 0; k < kinds && summary->maps[0].count; k++) {
        struct map_summary *map = &summary->maps[summary->map_count++];
        snprintf(map->frame, sizeof map->frame, "%s", k ? "last" : "first");
        for (int i = 0; i < MAP_VALUES; i++)
            map->mean[i] = exact_sum_value(&sums[k][i]) / (double)map->count;
    }
out:
    free(last);
    free(sums);
    return rc;
}

enum { DELETION, INSERTION, DIFFERENCE, RANDOMISED, BEATS_RANDOM, SCORES };
static const char *const score_names[SCORES] = {"deletion", "insertion", "difference", "randomised", "beats_random"};

// Of every map that an explanation may have; those of no target are the first of their kind.
struct score_sums {
    struct {
        struct exact_sum sum, squares;
        int64_t count;
        double mean;
    } of[EXPLAINED_KINDS][1 + CONFIG_TARGETS_MAX][SCORES];
    double *random; // [images] insertion less deletion of the picture's random map; NaN: not known
    enum { FIND_RANDOM, FIND_MEANS, FIND_SQUARES } pass;
};

// The number of a text in a list; `count`: it is not there.
static int find_text(const char *text, int count, const char *(*item)(const void *list, int i), const void *list)
{
    int i = 0;
    while (i < count && strcmp(item(list, i), text) != 0)
        i++;
    return i;
}

static const char *map_name(const void *list, int i)
{
    (void)list;
    return explained_map_name(i);
}

static const char *target_name(const void *list, int i)
{
    const struct making *m = list;
    return i == 0 ? "" : m->reader->facts.targets.items[i - 1];
}

static void add_score(const struct making *m, const struct faithfulness_row *row, struct score_sums *sums)
{
    const size_t place = place_of(m, row->image);
    const int kind = find_text(row->map, EXPLAINED_KINDS, map_name, NULL), target = find_text(row->target, 1 + m->targets, target_name, m);
    if (place == m->images.count || kind == EXPLAINED_KINDS || target > m->targets)
        return;
    const double difference = row->insertion - row->deletion, random = sums->random[place];
    const double numbers[SCORES] = {row->deletion, row->insertion, difference, row->randomised,
                                    isfinite(difference) && isfinite(random) ? difference > random : NAN};
    if (sums->pass == FIND_RANDOM && kind == EXPLAINED_RANDOM)
        sums->random[place] = difference;
    for (int i = 0; i < SCORES && sums->pass != FIND_RANDOM; i++) {
        if (!isfinite(numbers[i]))
            continue;
        if (sums->pass == FIND_MEANS) {
            exact_sum_add(&sums->of[kind][target][i].sum, numbers[i]);
            sums->of[kind][target][i].count++;
        } else {
            exact_sum_add_square(&sums->of[kind][target][i].squares, numbers[i] - sums->of[kind][target][i].mean);
        }
    }
}

static enum status add_scores(struct making *m, struct score_sums *sums)
{
    struct run_cursor *cursor;
    const struct faithfulness_row *row;
    TRY(run_cursor_open(&cursor, m->reader, RUN_FAITHFULNESS));
    while ((row = run_cursor_next(cursor)))
        add_score(m, row, sums);
    return run_cursor_close(&cursor, STATUS_OK);
}

static void list_scores(const struct making *m, const struct score_sums *sums, int kind, int target, struct run_summary *summary)
{
    const bool nowhere = sums->of[kind][target][DELETION].count == 0;
    for (int i = 0; i < SCORES && !nowhere; i++) {
        struct faithfulness_summary *score = &summary->scores[summary->score_count++];
        snprintf(score->map, sizeof score->map, "%s", explained_map_name(kind));
        snprintf(score->target, sizeof score->target, "%s", target_name(m, target));
        snprintf(score->measure, sizeof score->measure, "%s", score_names[i]);
        score->numbers = moments_of(sums->of[kind][target][i].count, sums->of[kind][target][i].mean, &sums->of[kind][target][i].squares);
    }
}

static enum status summarise_faithfulness(struct making *m, struct run_summary *summary)
{
    struct score_sums *sums = NULL;
    enum status rc;
    TRY_OUT(ALLOCATE(sums, 1, "for a summary of faithfulness"));
    TRY_OUT(ALLOCATE(sums->random, m->images.count + 1, "for a summary of faithfulness"));
    TRY_OUT(ALLOCATE(summary->scores, EXPLAINED_KINDS * (1 + CONFIG_TARGETS_MAX) * SCORES, "for a summary of faithfulness"));
    for (size_t i = 0; i < m->images.count; i++)
        sums->random[i] = NAN;
    for (sums->pass = FIND_RANDOM; sums->pass <= FIND_SQUARES; sums->pass++) {
        TRY_OUT(add_scores(m, sums));
        for (size_t i = 0; i < sizeof sums->of / sizeof sums->of[0][0][0] && sums->pass == FIND_MEANS; i++)
            (&sums->of[0][0][0])[i].mean = exact_sum_value(&(&sums->of[0][0][0])[i].sum) / (double)(&sums->of[0][0][0])[i].count;
    }
    for (int kind = 0; kind < EXPLAINED_KINDS; kind++)
        for (int target = 0; target <= m->targets; target++)
            list_scores(m, sums, kind, target, summary);
out:
    free(sums ? sums->random : NULL);
    free(sums);
    return rc;
}

enum status run_summary_make(struct run_summary *summary, const char *path)
{
    struct making m = {0};
    enum status rc;
    *summary = (struct run_summary){0};
    TRY(run_reader_open(&m.reader, path));
    m.targets = (int)m.reader->facts.targets.count;
    assert(m.targets <= CONFIG_TARGETS_MAX);
    TRY_OUT(choose_pictures(&m));
    summary->pictures = m.count;
    if (m.count == 0)
        goto out;
    TRY_OUT(summarise_metrics(&m, summary));
    for (int t = 0; t < m.targets; t++)
        TRY_OUT(summarise_channels(&m, t, summary));
    TRY_OUT(summarise_faithfulness(&m, summary));
    TRY_OUT(summarise_maps(&m, summary));
out:
    run_images_destroy(&m.images);
    free(m.pictures);
    free(m.numbers);
    free(m.sorted);
    run_reader_close(&m.reader);
    if (rc != STATUS_OK)
        run_summary_destroy(summary);
    return rc;
}

void run_summary_destroy(struct run_summary *summary)
{
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(summary->channels[t]);
    free(summary->metrics);
    free(summary->outliers);
    free(summary->scores);
    free(summary->maps);
    *summary = (struct run_summary){0};
}
