// SPDX-License-Identifier: MIT
// Dreams in their place in the output folder, in each format; an earlier run's, in another one, go.
#include "coordinator/task/task_output.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/file.h"
#include "coordinator/task/task.h"
#include "media/picture/codec.h"
#include "scratch.h"
#include "unit.h"

enum { WIDTH = 7, HEIGHT = 5 };

static struct config config;

static struct task *make_task(enum image_format format, bool alpha, int status)
{
    struct task *task = task_create();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    UNIT_OK(image_create(&task->image, WIDTH, HEIGHT));
    for (int i = 0; i < 3 * WIDTH * HEIGHT; i++)
        task->image.rgb[i] = (float)(i % 5) / 2 - 1;
    task->image.alpha = alpha ? calloc(WIDTH * HEIGHT, sizeof *task->image.alpha) : NULL;
    task->image.format = format;
    task->record.status = status;
    snprintf(task->name, sizeof task->name, "cat");
    return task;
}

static bool exists(const char *name)
{
    return access(in_scratch(name), F_OK) == 0;
}

static void write_out(struct task *task)
{
    UNIT_OK(output_begin_dream(&config, scratch, task));
    UNIT_OK(output_end(&config, scratch, task));
    UNIT_OK(output_finish(scratch, task));
}

// Writes the dream of an input of this format and expects it, and no other, under this name; beside one that is not whole, an earlier whole
// one stays.
static void expect(enum config_output_format wanted, enum image_format format, int status, const char *name)
{
    static const char *const names[] = {"cat/dream.png",         "cat/dream.tif",         "cat/dream.jpg",
                                        "cat/dream.partial.png", "cat/dream.partial.tif", "cat/dream.partial.jpg"};
    struct task *task = make_task(format, true, status);
    config.output.format = wanted;
    write_out(task);
    CU_ASSERT_STRING_EQUAL(task->record.output, name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (status == IMAGE_DONE || strstr(names[i], "partial"))
            CU_ASSERT_EQUAL(exists(names[i]), strcmp(names[i], name) == 0);
    if (status == IMAGE_STOPPED)
        CU_ASSERT(exists(names[0]) || exists(names[1]) || exists(names[2]));
    task_destroy(&task);
}

static void every_format(void)
{
    config_init(&config);
    expect(OUTPUT_AUTO, IMAGE_FORMAT_PNG, IMAGE_DONE, "cat/dream.png");
    expect(OUTPUT_AUTO, IMAGE_FORMAT_TIFF, IMAGE_DONE, "cat/dream.tif");
    expect(OUTPUT_AUTO, IMAGE_FORMAT_JPEG, IMAGE_STOPPED, "cat/dream.partial.png");
    expect(OUTPUT_AUTO, IMAGE_FORMAT_OTHER, IMAGE_DONE, "cat/dream.png");
    expect(OUTPUT_JPEG, IMAGE_FORMAT_TIFF, IMAGE_DONE, "cat/dream.jpg");
    expect(OUTPUT_JPEG, IMAGE_FORMAT_PNG, IMAGE_STOPPED, "cat/dream.partial.jpg");
    expect(OUTPUT_TIFF, IMAGE_FORMAT_PNG, IMAGE_STOPPED, "cat/dream.partial.tif");
    expect(OUTPUT_PNG, IMAGE_FORMAT_TIFF, IMAGE_DONE, "cat/dream.png");
}

static size_t size_of(int quality)
{
    struct task *task = make_task(IMAGE_FORMAT_JPEG, false, IMAGE_DONE);
    void *bytes = NULL;
    size_t size = 0;
    config.output.format = OUTPUT_JPEG;
    config.output.quality = quality;
    write_out(task);
    UNIT_OK(file_read(in_scratch(task->record.output), 1 << 20, &bytes, &size));
    task_destroy(&task);
    free(bytes);
    return size;
}

static void quality_is_heeded(void)
{
    config_init(&config);
    CU_ASSERT(size_of(20) < size_of(100));
}

static struct film_frame make_frame(int number)
{
    struct film_frame frame = {.number = number, .width = WIDTH, .height = HEIGHT, .values = calloc(3 * WIDTH * HEIGHT, sizeof(float))};
    CU_ASSERT_PTR_NOT_NULL_FATAL(frame.values);
    return frame;
}

// A dream that fails, or whose outputs cannot be written, leaves nothing, not even its folder.
static void failures_leave_nothing(void)
{
    config_init(&config);
    config.octaves.detail = false;
    config.frames.png = true;
    for (int way = 0; way < 3; way++) {
        struct task *task = make_task(IMAGE_FORMAT_PNG, false, way == 0 ? IMAGE_FAILED : IMAGE_DONE);
        struct film_frame frame = make_frame(0);
        snprintf(task->name, sizeof task->name, "dog");
        UNIT_OK(output_begin_dream(&config, scratch, task));
        UNIT_OK(output_frame(&task->output, &frame));
        if (way == 1) { // a frame that is none
            frame = make_frame(1);
            frame.width = 1000;
            UNIT_OK(output_frame(&task->output, &frame));
        }
        if (way == 2)
            task->image.rgb[5] = (float)NAN;
        if (way > 0)
            UNIT_OK(output_end(&config, scratch, task));
        CU_ASSERT_EQUAL(output_finish(scratch, task), way == 0 ? STATUS_OK : STATUS_INTERNAL);
        CU_ASSERT(!exists("dog"));
        CU_ASSERT_STRING_EQUAL(task->record.output, "");
        task_destroy(&task);
    }
}

// A checkpoint that cannot be written is no reason to give a dream up.
static void checkpoints_may_fail(void)
{
    config_init(&config);
    struct task *task = make_task(IMAGE_FORMAT_PNG, false, IMAGE_STOPPED);
    snprintf(task->name, sizeof task->name, "cow");
    UNIT_OK(output_begin_dream(&config, scratch, task));
    for (int i = 0; i < 2; i++) {
        struct checkpoint checkpoint = {.state = {.width = 1, .height = 1}, .rgb = calloc(3, sizeof(float))};
        UNIT_OK(output_checkpoint(&task->output, in_scratch(i == 0 ? "no/folder" : "kept"), &checkpoint));
        CU_ASSERT_PTR_NULL(checkpoint.rgb);
    }
    UNIT_OK(output_end(&config, scratch, task));
    UNIT_OK(output_finish(scratch, task));
    CU_ASSERT(exists("kept") && exists("cow/dream.partial.png") && !exists("cow/dream.mp4"));
    task_destroy(&task);
}

int main(void)
{
    static const struct unit_test tests[] = {
        {"every format", every_format},
        {"quality is heeded", quality_is_heeded},
        {"failures leave nothing", failures_leave_nothing},
        {"checkpoints may fail", checkpoints_may_fail},
    };
    if (!scratch_create())
        return 1;
    int rc = unit_run("output", tests, sizeof tests / sizeof tests[0]);
    scratch_remove();
    return rc;
}
