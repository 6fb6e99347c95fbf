// SPDX-License-Identifier: MIT
// The page of a run: its data are what the run file says, and nothing in them is markup; files that are none are refused.
#include "report/page.h"

#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "report/assets.h"
#include "report/gallery.h"
#include "report/page_data.h"
#include "run_file_damage.h"
#include "scratch.h"
#include "unit.h"

enum { IMAGES = 30, PAGE_MAX = 8 << 20 };

static char path[FILE_PATH_MAX], page[FILE_PATH_MAX];

static void write_run(int images, bool complete)
{
    struct run_file *file;
    UNIT_OK(file_join(path, scratch, "run.h5"));
    UNIT_OK(file_join(page, scratch, "report.html"));
    unlink(page);
    UNIT_OK(create(&file, path));
    for (int i = 0; i < images; i++)
        UNIT_OK(add_image(file, i));
    for (int rank = 0; rank < 3 && complete; rank++)
        UNIT_OK(add_timing(file, rank));
    UNIT_OK(run_file_close(&file, complete));
}

// The text of a page and its data. Free both.
static json_t *read_page(char **text)
{
    static const char before[] = "<script type=\"application/json\" id=\"data\">";
    size_t size;
    void *bytes;
    UNIT_OK(file_read(page, PAGE_MAX, &bytes, &size));
    *text = bytes;
    char *start = strstr(*text, before), *end = start ? strstr(start, "</script>") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(end);
    start += strlen(before);
    json_error_t error;
    json_t *json = json_loadb(start, (size_t)(end - start), 0, &error);
    if (!json)
        printf("\n%s\n", error.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    return json;
}

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static double number_at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

// Of a layer of 7 channels, whose importance is known of every image that did not fail.
static void expect_channels(const json_t *target)
{
    double mean = 0, most[2] = {0, -1}; // value and number
    CU_ASSERT_STRING_EQUAL(text_at(target, "layer"), "mixed4");
    CU_ASSERT_STRING_EQUAL(text_at(target, "method"), "gradient_activation");
    CU_ASSERT(json_integer_value(json_object_get(target, "channels")) == 7);
    CU_ASSERT(json_integer_value(json_object_get(target, "known")) == IMAGES / 3 * 2);
    for (int c = 0; c < 7; c++) {
        const double value = importance_value(3, 1, c);
        if (fabs(value) > fabs(most[0])) {
            most[0] = value;
            most[1] = c;
        }
    }
    const json_t *first = json_array_get(json_array_get(json_object_get(target, "images"), 3), 0);
    CU_ASSERT(number_at(first, 0) == most[1] && number_at(first, 1) == most[0]);
    const json_t *best = json_array_get(json_object_get(target, "mean"), 0);
    for (int id = 0; id < IMAGES; id++)
        mean += importance_known(id, 1) ? importance_value(id, 1, (int)number_at(best, 0)) / (IMAGES / 3 * 2) : 0;
    CU_ASSERT(fabs(number_at(best, 1) - mean) < 1e-3);
}

static void says_what_the_file_says(void)
{
    struct page_summary summary;
    char *text;
    write_run(IMAGES, true);
    UNIT_OK(page_write(scratch, &summary));
    CU_ASSERT(summary.images == IMAGES && summary.failed == IMAGES / 3 && summary.stopped == IMAGES / 3 && summary.thumbnails == 0);
    CU_ASSERT_STRING_EQUAL(summary.path, page);
    json_t *json = read_page(&text), *run = json_object_get(json, "run"), *images = json_object_get(json, "images");
    CU_ASSERT_STRING_EQUAL(text_at(run, "seed"), "18446744073709551614");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_array_get(json_object_get(run, "changes"), 0)), "targets=mixed3:1,mixed4:1,mixed5:1");
    CU_ASSERT_STRING_EQUAL(text_at(run, "weightsSource"), "weights of l'\xc3\xa9t?");
    CU_ASSERT(json_is_true(json_object_get(run, "complete")));
    CU_ASSERT_EQUAL(json_array_size(json_object_get(run, "hosts")), 2);
    CU_ASSERT_EQUAL_FATAL(json_array_size(images), IMAGES);
    for (int i = 0; i < IMAGES; i++) {
        const struct image_row wanted = image_of(i);
        const json_t *image = json_array_get(images, (size_t)i), *before = json_object_get(image, "before");
        CU_ASSERT_STRING_EQUAL(text_at(image, "source"), wanted.source);
        CU_ASSERT_STRING_EQUAL(text_at(image, "error"), wanted.error);
        CU_ASSERT_STRING_EQUAL(text_at(image, "status"), i % 3 == 0 ? "done" : i % 3 == 1 ? "failed" : "stopped");
        CU_ASSERT(i % 3 == IMAGE_FAILED ? json_is_null(json_array_get(before, 0)) : number_at(before, 0) == i + 0.5);
        const int score = measures_offset(1, targets);
        CU_ASSERT(number_at(json_object_get(image, "after"), (size_t)score + 2) == i * 16 + 2.125);
    }
    json_t *curves = json_object_get(json_object_get(json, "curves"), "images"), *curve = json_array_get(curves, 4);
    CU_ASSERT_EQUAL(json_array_size(curves), IMAGES);
    CU_ASSERT_EQUAL(json_array_size(json_object_get(curve, "position")), STEPS_AN_IMAGE);
    CU_ASSERT(number_at(json_array_get(json_object_get(curve, "values"), 0), 7) == 4 * STEPS_AN_IMAGE + 7.5);
    expect_channels(json_array_get(json_object_get(json, "channels"), 1));
    json_decref(json);
    free(text);
}

// Rows of /images come as images end, and the page shows them by their place among the inputs, each with its own numbers.
static void images_are_in_order(void)
{
    static const int ids[] = {3, 0, 6};
    struct page_summary summary;
    struct run_file *file;
    char *text;
    write_run(0, false);
    UNIT_OK(create(&file, path));
    for (int i = 0; i < 3; i++)
        UNIT_OK(add_image(file, ids[i]));
    UNIT_OK(run_file_close(&file, true));
    UNIT_OK(page_write(scratch, &summary));
    json_t *json = read_page(&text), *images = json_object_get(json, "images");
    const json_t *target = json_array_get(json_object_get(json, "channels"), 0);
    for (size_t i = 0; i < 3; i++) {
        const json_t *image = json_array_get(images, i);
        const json_t *best = json_array_get(json_array_get(json_object_get(target, "images"), i), 0);
        const int id = 3 * (int)i;
        CU_ASSERT_STRING_EQUAL(text_at(image, "source"), image_of(id).source);
        CU_ASSERT(number_at(json_object_get(image, "before"), 0) == id + 0.5 && number_at(json_object_get(image, "after"), 0) == id);
        CU_ASSERT(number_at(best, 1) == importance_value(id, 0, (int)number_at(best, 0)));
    }
    json_decref(json);
    free(text);
}

// Of a target with chosen channels no other is shown.
static void chosen_channels_alone(void)
{
    struct page_summary summary;
    char *text;
    chosen_channel = 5;
    write_run(IMAGES, true);
    chosen_channel = -1;
    UNIT_OK(page_write(scratch, &summary));
    json_t *json = read_page(&text);
    const json_t *target = json_array_get(json_object_get(json, "channels"), 1), *mean = json_object_get(target, "mean"),
                 *first = json_array_get(json_object_get(target, "images"), 3);
    CU_ASSERT(json_array_size(mean) == 1 && number_at(json_array_get(mean, 0), 0) == 5);
    CU_ASSERT(json_array_size(first) == 1 && number_at(json_array_get(first, 0), 1) == importance_value(3, 1, 5));
    json_decref(json);
    free(text);
}

static void hostile_names_are_text(void)
{
    static const char evil[] = "</script><script>alert(1)</script><!-- &amp; \xe2\x80\xa8 \xff '\".png";
    struct page_summary summary;
    struct run_file *file;
    char *text;
    write_run(0, false);
    UNIT_OK(create(&file, path));
    struct image_row record = image_of(0);
    snprintf(record.source, sizeof record.source, "%s", evil);
    snprintf(record.output, sizeof record.output, "../../etc/%s", evil);
    UNIT_OK(run_file_add_image(file, &record, NULL, NULL));
    UNIT_OK(run_file_close(&file, false));
    UNIT_OK(page_write(path, &summary));
    json_t *json = read_page(&text), *image = json_array_get(json_object_get(json, "images"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text_at(image, "source"), "</script><script>alert(1)</script><!-- &amp; \xe2\x80\xa8 ?"));
    CU_ASSERT(json_is_null(json_object_get(image, "picture")) && json_is_null(json_object_get(image, "folder")));
    CU_ASSERT_PTR_NULL(strstr(text, "alert(1)</script>"));
    CU_ASSERT_PTR_NULL(strstr(text, "\xe2\x80\xa8"));
    json_decref(json);
    free(text);
}

static void written(const char *name, const char *wanted)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    json_t *json = json_array();
    json_array_append_new(json, page_data_text(name));
    UNIT_OK(page_data_write(json, stream));
    fclose(stream);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    json_decref(json);
    free(text);
}

static void data_hold_no_markup(void)
{
    written("</script>", "[\"\\u003c/script\\u003e\"]");
    written("<!-- &lt;", "[\"\\u003c!-- \\u0026lt;\"]");
    written("\xe2\x80\xa8\xe2\x80\xa9", "[\"\\u2028\\u2029\"]");
    written("a\"\\\n", "[\"a\\\"\\\\\\n\"]");
    written("\xc3(", "[\"?(\"]");
    CU_ASSERT(json_is_null(page_data_number(NAN)) && json_is_null(page_data_number(INFINITY)));
}

static void paths_stay_inside(void)
{
    CU_ASSERT(gallery_is_inside("a/dream.png") && gallery_is_inside("..a/b..") && gallery_is_inside("a..b/c"));
    CU_ASSERT(!gallery_is_inside("") && !gallery_is_inside("/a") && !gallery_is_inside("..") && !gallery_is_inside("../a"));
    CU_ASSERT(!gallery_is_inside("a/../../b") && !gallery_is_inside("a/.."));
}

static void empty_and_unfinished_runs(void)
{
    struct page_summary summary;
    char *text;
    write_run(0, false);
    UNIT_OK(page_write(scratch, &summary));
    json_t *json = read_page(&text);
    CU_ASSERT(summary.images == 0 && json_is_false(json_object_get(json_object_get(json, "run"), "complete")));
    json_decref(json);
    free(text);
}

static void parts_are_whole(void)
{
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)asset_chart_js.bytes, "Released under the MIT License"));
    CU_ASSERT_PTR_NULL(strcasestr((const char *)asset_chart_js.bytes, "</script"));
    CU_ASSERT_PTR_NULL(strcasestr((const char *)asset_page_js.bytes, "</script"));
    CU_ASSERT_PTR_NULL(strstr((const char *)asset_page_js.bytes, "innerHTML"));
    CU_ASSERT_EQUAL(strlen((const char *)asset_page_css.bytes), asset_page_css.size);
}

static void refused_at(const char *given, const char *words)
{
    struct page_summary summary;
    const enum status rc = page_write(given, &summary);
    CU_ASSERT(rc == STATUS_FORMAT || rc == STATUS_IO);
    CU_ASSERT_PTR_NOT_NULL(strstr(status_message(), words));
    if (!strstr(status_message(), words))
        printf("\n%s\n", status_message());
    CU_ASSERT_EQUAL(access(page, F_OK), -1);
}

static void refused(const char *words)
{
    refused_at(scratch, words);
}

static void write_small_run(void)
{
    write_run(3, true);
}

static void damaged_files_are_refused(void)
{
    damage_each(path, write_small_run, refused);
    refused_at("/nowhere", "give the output folder of `oneiros dream`");
}

static const struct unit_test tests[] = {{"says what the file says", says_what_the_file_says},
                                         {"images are in order", images_are_in_order},
                                         {"chosen channels alone", chosen_channels_alone},
                                         {"hostile names are text", hostile_names_are_text},
                                         {"data hold no markup", data_hold_no_markup},
                                         {"paths stay inside", paths_stay_inside},
                                         {"empty and unfinished runs", empty_and_unfinished_runs},
                                         {"parts are whole", parts_are_whole},
                                         {"damaged files are refused", damaged_files_are_refused}};

UNIT_MAIN_IN_SCRATCH("report_page", tests)
