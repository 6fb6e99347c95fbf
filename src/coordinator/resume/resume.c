// SPDX-License-Identifier: MIT
#include "coordinator/resume/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/load.h"
#include "coordinator/task/checkpoint_folder.h"
#include "runfile/run_images.h"

static const char anew[] = "give another folder with -o, or --force to begin anew";

bool resume_is_done(const struct resume *r, int64_t image)
{
    return r && image < r->count && r->done[image];
}

static bool is_done(void *context, int64_t image)
{
    return image >= 0 && resume_is_done(context, image);
}

// One more input, in order.
static enum status add(struct resume *r, bool done)
{
    if (r->count == r->room) {
        const int64_t room = r->room ? 2 * r->room : 1024;
        bool *more = realloc(r->done, (size_t)room * sizeof *more);
        if (!more)
            return fail(STATUS_LIMIT, "no memory for what is done of %" PRId64 " images", room);
        r->done = more;
        r->room = room;
    }
    r->done[r->count++] = done;
    r->done_count += done;
    r->complete = r->complete && done;
    return STATUS_OK;
}

static enum status check_source(const struct run_image *image, const struct intake_entry *entry)
{
    char source[ROW_SOURCE_MAX];
    load_source(source, entry->source);
    utf8_clean(source, '?');
    if (strcmp(source, image->source) == 0)
        return STATUS_OK;
    return fail(STATUS_USAGE,
                "image %" PRId64 " was %s in the run that is there, and is %s now: name the same inputs in the same order, or %s",
                image->id, image->source, source, anew);
}

// What was done is looked at only where the file's date says that it might be another one.
static enum status check_content(const struct run_image *image, const struct intake_entry *entry, const struct config *config)
{
    struct stat facts;
    char sha256[65] = "";
    void *bytes = NULL;
    size_t size;
    enum status rc = STATUS_OK;
    if (entry->kind != INTAKE_FILE || stat(entry->source, &facts) != 0)
        return STATUS_OK;
    if (facts.st_size == image->bytes && load_modified(&facts) == image->modified)
        return STATUS_OK;
    if (facts.st_size == image->bytes) {
        TRY_OUT(file_read(entry->source, config->input.max_bytes, &bytes, &size));
        TRY_OUT(bytes_sha256(bytes, size, sha256));
    }
    if (strcmp(sha256, image->sha256) != 0)
        rc = fail(STATUS_USAGE, "%s has changed since it was done in the run that is there: put the picture back that was there, or %s",
                  entry->source, anew);
out:
    free(bytes);
    return rc;
}

// Whether an image is done: its picture is there.
static enum status look_at(const struct run_image *image, const struct intake_entry *entry, const struct resume_options *options,
                           bool *done)
{
    char path[FILE_PATH_MAX];
    *done = false;
    TRY(check_source(image, entry));
    if (image->status != IMAGE_DONE || entry->status != STATUS_OK)
        return STATUS_OK;
    TRY(check_content(image, entry, options->config));
    TRY(file_join(path, options->output, image->output));
    *done = access(path, F_OK) == 0;
    if (!*done)
        log_warning("%s is not there any more: %s is done again", path, image->source);
    return STATUS_OK;
}

// Through the inputs as far as the earlier run had come.
static enum status walk(struct resume *r, const struct run_images *past, struct intake *intake, const struct resume_options *options)
{
    struct intake_entry entry;
    size_t next = 0;
    bool end = false;
    r->complete = true;
    TRY(intake_next(intake, &entry, &end));
    while (!end && next < past->count) {
        const struct run_image *image = &past->items[next];
        bool done = false;
        if (image->id == r->count) {
            TRY(look_at(image, &entry, options, &done));
            next++;
        }
        TRY(add(r, done));
        TRY(intake_next(intake, &entry, &end));
    }
    r->complete = r->complete && end;
    if (next < past->count)
        return fail(STATUS_USAGE,
                    "the run that is there had an image %" PRId64 ", %s, and the inputs name only %" PRId64 " now: name the same, or %s",
                    past->items[next].id, past->items[next].source, r->count, anew);
    return STATUS_OK;
}

static enum status check_run(struct resume *r, const struct run_facts *past, const struct resume_options *options)
{
    char difference[512];
    struct config was;
    if (strcmp(past->version, ONEIROS_VERSION) != 0)
        return fail(STATUS_USAGE, "%s is of oneiros %s and this is %s, whose dreams may differ: %s", r->path, past->version,
                    ONEIROS_VERSION, anew);
    if (strcmp(past->kind, options->kind == JOB_EXPLAIN ? "explain" : "dream") != 0)
        return fail(STATUS_USAGE, "%s is of `oneiros %s`: %s", r->path, past->kind, anew);
    config_init(&was);
    TRY(config_yaml_read(&was, r->path, past->config, strlen(past->config)));
    r->folders = was.output.folders;
    if (config_difference(&was, options->config, difference, sizeof difference))
        return fail(STATUS_USAGE, "%s is of other settings: %s; take the same, or %s", r->path, difference, anew);
    return STATUS_OK;
}

static enum status read_run(struct resume *r, struct run_reader **reader, struct run_images *images)
{
    TRY(run_reader_open(reader, r->path));
    const struct run_facts *past = &(*reader)->facts;
    snprintf(r->weights_md5, sizeof r->weights_md5, "%s", past->weights_md5);
    r->tiles = (struct tile_rules){.size = past->tile_size, .halo = past->tile_halo, .blend = past->tile_blend};
    return run_images_read(*reader, images);
}

static enum status open_run(struct resume *r, const struct resume_options *options)
{
    struct run_reader *reader = NULL;
    struct run_images images = {0};
    struct intake *intake = NULL;
    enum status rc;
    TRY_OUT(file_join(r->path, options->output, "run.h5"));
    r->earlier = (struct run_earlier){.path = r->path, .keep = is_done, .context = r};
    rc = read_run(r, &reader, &images);
    if (rc != STATUS_OK) {
        rc = fail(rc == STATUS_IO ? STATUS_FORMAT : rc, "cannot go on with the run that is there: %s; --force begins anew",
                  status_message());
        goto out;
    }
    TRY_OUT(check_run(r, &reader->facts, options));
    TRY_OUT(intake_create(&intake, options->output, r->folders == FOLDERS_GROUPED, options->inputs, options->input_count));
    TRY_OUT(walk(r, &images, intake, options));
    r->complete = r->complete && !reader->unclosed;              // else its last write was cut off: it is written anew, and closed
    rc = checkpoint_folder_remove(options->output, &r->earlier); // that run may have been killed before it did so
out:
    intake_destroy(&intake);
    run_images_destroy(&images);
    run_reader_close(&reader);
    return rc;
}

enum status resume_create(struct resume **resume, const struct resume_options *options)
{
    TRY(ALLOCATE(*resume, 1, "to go on with a run"));
    const enum status rc = open_run(*resume, options);
    if (rc != STATUS_OK)
        resume_destroy(resume);
    return rc;
}

void resume_destroy(struct resume **resume)
{
    if (!*resume)
        return;
    free((*resume)->done);
    free(*resume);
    *resume = NULL;
}

enum status resume_check(const struct resume *r, const char *weights_md5, const struct tile_rules *tiles)
{
    const struct tile_rules *was = &r->tiles;
    if (strcmp(r->weights_md5, weights_md5) != 0)
        return fail(STATUS_USAGE, "%s is of other weights (md5 %s, not %s): %s", r->path, r->weights_md5, weights_md5, anew);
    if (was->size != tiles->size || was->halo != tiles->halo || was->blend != tiles->blend)
        return fail(STATUS_USAGE,
                    "%s is of tiles of %d pixels with a halo of %d and a blend of %d, and here they would be %d, %d and %d: raise "
                    "memory.limit, or %s",
                    r->path, was->size, was->halo, was->blend, tiles->size, tiles->halo, tiles->blend, anew);
    return STATUS_OK;
}
