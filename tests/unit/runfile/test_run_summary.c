// SPDX-License-Identifier: MIT
// What a set has in common, against plain loops; and that neither order nor ids nor other pictures count. Numbers of the metrics are
// compared with NumPy's and SciPy's by tests/reference/run_file.py.
#include "runfile/run_summary.h"

#include "run_file_rows.h"
#include "scratch.h"
#include "unit.h"

enum { PICTURES = 40, MANY = 9, MAP_VALUES = SUMMARY_MAP_SIDE * SUMMARY_MAP_SIDE };

// What picture `number` is like, whatever its id. The last ones lie far off, some as far as others.
static struct image_row picture(int number, int64_t id)
{
    struct image_row row = image_of(number * 3); // done
    row.id = id;
    row.after.loss = number < PICTURES - MANY ? sin(number) : number % 2 ? 1000 : -1000;
    snprintf(row.sha256, sizeof row.sha256, "%064d", (number * 7) % 101);
    snprintf(row.source, sizeof row.source, "photos/%d.png", number);
    return row;
}

// Frames as of other files, on an octave that is large enough for all of them.
static struct cam_row frame_of(int64_t number)
{
    struct cam_row frame = cam_of(number);
    frame.grid.octave_height = 560;
    return frame;
}

static void add_picture(struct run_file *file, int number, const struct image_row *row)
{
    float values[3][64];
    float *importance[] = {values[0], values[1], values[2]};
    for (int t = 0; t < targets; t++)
        for (int c = 0; c < channels[t]; c++)
            values[t][c] = t == 1 && c == number % 7 ? NAN : importance_value(number, t, c) / 3;
    for (int k = 0; k < FRAMES_AN_IMAGE; k++) {
        struct cam_row frame = frame_of(number * FRAMES_AN_IMAGE + k);
        float map[36 * 32];
        for (int64_t i = 0; i < cam_size(&frame); i++)
            map[i] = cam_value(number * FRAMES_AN_IMAGE + k, i);
        frame.image = row->id;
        UNIT_OK(run_file_add_cam(file, &frame, map));
    }
    for (int k = 0; k < SCORES_AN_IMAGE; k++) {
        struct faithfulness_row score = score_of(number * SCORES_AN_IMAGE + k);
        score.image = row->id;
        UNIT_OK(run_file_add_faithfulness(file, &score));
    }
    UNIT_OK(run_file_add_image(file, row, importance, NULL));
}

// A file with these pictures, every `stride`th first, ids from `id` on; with `others`, rows that do not count, too. Its summary.
static struct run_summary summary_of(const char *name, int stride, int64_t id, bool others)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    struct run_summary summary;
    UNIT_OK(file_join(path, scratch, name));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < PICTURES; i++) {
        const int number = i * stride % PICTURES;
        const struct image_row row = picture(number, id + i);
        add_picture(file, number, &row);
    }
    for (int i = 0; others && i < 3; i++) {
        struct image_row row = picture(i, 1000 + i);
        row.status = i;
        row.same = i ? 0 : id + 1;
        row.after.loss = 1e6;
        add_picture(file, i + 5, &row);
    }
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_summary_make(&summary, path));
    return summary;
}

static bool equal(const struct run_summary *a, const struct run_summary *b)
{
    bool same = a->metric_count == b->metric_count && a->outlier_count == b->outlier_count && a->map_count == b->map_count &&
                a->score_count == b->score_count && memcmp(a->scores, b->scores, a->score_count * sizeof *a->scores) == 0 &&
                memcmp(a->metrics, b->metrics, a->metric_count * sizeof *a->metrics) == 0 &&
                memcmp(a->outliers, b->outliers, a->outlier_count * sizeof *a->outliers) == 0 &&
                memcmp(a->maps, b->maps, a->map_count * sizeof *a->maps) == 0;
    for (int t = 0; t < targets; t++)
        same = same && a->channel_counts[t] == b->channel_counts[t] &&
               memcmp(a->channels[t], b->channels[t], (size_t)a->channel_counts[t] * sizeof *a->channels[t]) == 0;
    return same;
}

static void test_order(void)
{
    struct run_summary plain = summary_of("plain.h5", 1, 0, false), shuffled = summary_of("shuffled.h5", 17, 400, false),
                       others = summary_of("others.h5", 7, 3, true);
    CU_ASSERT(plain.metric_count > 20 && plain.map_count == 2 && plain.channel_counts[2] == 40 && plain.score_count == SCORES_AN_IMAGE * 5);
    CU_ASSERT(equal(&plain, &shuffled));
    CU_ASSERT(equal(&plain, &others));
    run_summary_destroy(&plain);
    run_summary_destroy(&shuffled);
    run_summary_destroy(&others);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static void check_channel(const struct channel_summary *row, int target, int channel)
{
    double sum = 0, squares = 0;
    int count = 0, top = 0;
    for (int number = 0; number < PICTURES; number++) {
        const double value = (double)(importance_value(number, target, channel) / 3);
        int before = 0;
        if (target == 1 && channel == number % 7)
            continue;
        for (int c = 0; c < channels[target]; c++) {
            const double other = fabs((double)(importance_value(number, target, c) / 3));
            before += !(target == 1 && c == number % 7) && (other > fabs(value) || (other == fabs(value) && c < channel));
        }
        top += before < 10 && value != 0;
        sum += value;
        squares += value * value;
        count++;
    }
    CU_ASSERT(row->channel == channel && row->importance.count == count);
    CU_ASSERT(near(row->importance.mean, sum / count));
    CU_ASSERT(fabs(row->importance.deviation - sqrt((squares - sum * sum / count) / (count - 1))) < 1e-9);
    CU_ASSERT(near(row->top_ten, (double)top / count));
}

static void test_channels(void)
{
    struct run_summary summary = summary_of("channels.h5", 3, 0, true);
    for (int t = 0; t < targets; t++)
        for (int c = 0; c < summary.channel_counts[t]; c++)
            check_channel(&summary.channels[t][c], t, c);
    run_summary_destroy(&summary);
}

static void test_maps(void)
{
    struct run_summary summary = summary_of("maps.h5", 3, 0, true);
    static double sums[2][MAP_VALUES];
    float row[SUMMARY_MAP_SIDE];
    for (int number = 0; number < PICTURES; number++)
        for (int k = 0; k < 2; k++) {
            const int64_t frame = number * FRAMES_AN_IMAGE + (k ? FRAMES_AN_IMAGE - 1 : 0);
            const struct cam_row cam = frame_of(frame);
            struct heat heat;
            UNIT_OK(heat_create(&heat, &cam.grid));
            for (int64_t i = 0; i < cam_size(&cam); i++)
                heat.values[i] = cam_value(frame, i);
            for (int y = 0; y < SUMMARY_MAP_SIDE; y++) {
                heat_row(&heat, SUMMARY_MAP_SIDE, SUMMARY_MAP_SIDE, y, row);
                for (int x = 0; x < SUMMARY_MAP_SIDE; x++)
                    sums[k][y * SUMMARY_MAP_SIDE + x] += (double)row[x];
            }
            heat_destroy(&heat);
        }
    CU_ASSERT_STRING_EQUAL(summary.maps[0].frame, "first");
    CU_ASSERT_STRING_EQUAL(summary.maps[1].frame, "last");
    for (int k = 0; k < 2; k++) {
        CU_ASSERT_EQUAL(summary.maps[k].count, PICTURES);
        for (int i = 0; i < MAP_VALUES; i++)
            CU_ASSERT(near(summary.maps[k].mean[i], sums[k][i] / PICTURES));
    }
    run_summary_destroy(&summary);
}

// Nine lie as far off as each other: five of them, by digest.
static void test_outliers(void)
{
    struct run_summary summary = summary_of("outliers.h5", 1, 0, false);
    const struct outlier_row *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < summary.outlier_count; i++)
        if (strcmp(summary.outliers[i].metric, "loss_after") == 0) {
            first = first ? first : &summary.outliers[i];
            count++;
        }
    CU_ASSERT_EQUAL_FATAL(count, SUMMARY_OUTLIERS);
    for (size_t i = 0; i + 1 < count; i++) {
        const double a = fabs(first[i].deviations), b = fabs(first[i + 1].deviations);
        CU_ASSERT(a > b || (a == b && strcmp(first[i].sha256, first[i + 1].sha256) < 0));
        CU_ASSERT(fabs(first[i].number) == 1000 && a > 3.5);
    }
    run_summary_destroy(&summary);
}

// Of a handful the median distance says nothing.
static void test_few(void)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    struct run_summary summary;
    UNIT_OK(file_join(path, scratch, "few.h5"));
    UNIT_OK(create(&file, path));
    for (int i = 0; i < SUMMARY_OUTLIERS_FROM - 1; i++) {
        struct image_row row = picture(i, i);
        row.after.loss = i == 0 ? 1e6 : i;
        add_picture(file, i, &row);
    }
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_summary_make(&summary, path));
    CU_ASSERT(summary.pictures == SUMMARY_OUTLIERS_FROM - 1 && summary.metric_count > 0 && summary.outlier_count == 0);
    run_summary_destroy(&summary);
}

static void test_nothing(void)
{
    char path[FILE_PATH_MAX];
    struct run_file *file;
    struct run_summary summary;
    UNIT_OK(file_join(path, scratch, "none.h5"));
    UNIT_OK(create(&file, path));
    UNIT_OK(add_image_row(file, 1)); // has failed
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(run_summary_make(&summary, path));
    CU_ASSERT(summary.metric_count == 0 && summary.outlier_count == 0 && summary.map_count == 0 && !summary.channels[0] &&
              summary.score_count == 0);
    CU_ASSERT_NOT_EQUAL(run_summary_make(&summary, scratch), STATUS_OK);
}

static void make_folder(void)
{
    CU_ASSERT_FATAL(scratch_create());
}

static void clean_up(void)
{
    scratch_remove();
}

static const struct unit_test tests[] = {{"make a folder", make_folder}, {"any order, ids and other rows", test_order},
                                         {"channels", test_channels},    {"maps", test_maps},
                                         {"outliers", test_outliers},    {"few", test_few},
                                         {"nothing", test_nothing},      {"clean up", clean_up}};
UNIT_MAIN("run_summary", tests)
