// SPDX-License-Identifier: MIT
#include "coordinator/resume/resume.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/config/channel_input.h"
#include "common/picture/noise.h"
#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/load.h"
#include "coordinator/output/folder_names.h"
#include "coordinator/resume/address_check.h"
#include "coordinator/resume/parting.h"
#include "coordinator/task/checkpoint_folder.h"
#include "media/video/video.h"

static const char anew[] = "give another folder with -o, or --force to begin anew";
static const double say_so_after = 10; // seconds without a word

static struct resume_image *find(const struct resume *r, int64_t image)
{
    const struct known_image *known = r ? known_images_find(&r->known, image) : NULL;
    return known ? &r->images[known - r->known.items] : NULL;
}

bool resume_is_done(const struct resume *r, int64_t image)
{
    const struct resume_image *found = find(r, image);
    return found && found->done;
}

static bool is_done(void *context, int64_t image)
{
    return resume_is_done(context, image);
}

static bool is_missing(void *context, int64_t image)
{
    const struct resume_image *found = find(context, image);
    return found && found->missing;
}

// Of an image that is not done, and of which there is something in the output folder: so that the folder stays its own.
static bool is_remembered(void *context, int64_t image, bool before)
{
    const struct resume *r = context;
    const struct resume_image *found = find(r, image);
    const struct run_image *past = found ? &r->past.items[found - r->images] : NULL;
    return past && !found->done && past->output[0] && past->earlier == before;
}

// Whether the file is the one whose row this is. It is read only where its size is the same and its time is not.
static enum status is_same_file(const struct run_image *image, const char *path, const struct config *config, bool *same)
{
    struct stat facts;
    char sha256[65] = "";
    void *bytes = NULL;
    size_t size;
    enum status rc = STATUS_OK;
    if (stat(path, &facts) != 0)
        return fail(STATUS_IO, "%s is not there", path);
    *same = facts.st_size == image->bytes && load_modified(&facts) == image->modified;
    if (!*same && facts.st_size == image->bytes) {
        TRY_OUT(file_read(path, config->input.max_bytes, &bytes, &size));
        TRY_OUT(bytes_sha256(bytes, size, sha256));
        *same = strcmp(sha256, image->sha256) == 0;
    }
out:
    free(bytes);
    return rc;
}

// What an image's folder has to hold, but for the picture itself.
struct expected_files {
    const char *names[2]; // [count]
    int count;
};

static struct expected_files expect(const struct resume_options *options)
{
    const struct config *config = options->config;
    struct expected_files files = {0};
    char encoder[VIDEO_ENCODER_MAX];
    if (options->use != CONFIG_DREAM || !(config->frames.dream || config->frames.cam) ||
        video_check(config->video.encoder, encoder) != STATUS_OK)
        return files;
    if (config->frames.dream)
        files.names[files.count++] = "dream.mp4";
    if (config->frames.cam)
        files.names[files.count++] = "cam.mp4";
    return files;
}

static bool has_files(const char *output, const struct run_image *image, size_t folder_length, const struct expected_files *files)
{
    char path[FILE_PATH_MAX];
    bool there = file_join(path, output, image->output) == STATUS_OK && access(path, F_OK) == 0;
    for (int i = 0; i < files->count && there; i++)
        there = snprintf(path, sizeof path, "%s/%.*s/%s", output, (int)folder_length, image->output, files->names[i]) < (int)sizeof path &&
                access(path, F_OK) == 0;
    return there;
}

// One input: what is to be done with it. NULL: that run has not had it.
static const struct known_image *look_at(struct resume *r, const struct intake_entry *entry, const struct resume_options *options,
                                         const struct expected_files *files)
{
    struct resume_counts *counts = &r->counts;
    bool same = true;
    const struct known_image *known = known_images_take(&r->known, entry->shown);
    if (!known) {
        counts->added++;
        return NULL;
    }
    const size_t place = (size_t)(known - r->known.items);
    const struct run_image *image = &r->past.items[place];
    r->images[place].named = true;
    if (image->status == IMAGE_DONE && image->earlier) { // its other rows are gone
        counts->changed++;
        return known;
    }
    if (image->status != IMAGE_DONE) {
        *(image->status == IMAGE_FAILED ? &counts->failed : &counts->unfinished) += 1;
        return known;
    }
    const bool readable = entry->status == STATUS_OK &&
                          (entry->kind != INTAKE_FILE || is_same_file(image, entry->source, options->config, &same) == STATUS_OK);
    if (!readable) { // the dream of what was there stays
        r->images[place].done = r->images[place].missing = true;
        counts->gone++;
        return known;
    }
    if (!same)
        counts->changed++;
    else if (!(image->same && !image->output[0]) && !has_files(options->output, image, known->folder_length, files)) // no links there
        counts->lost++;
    else
        r->images[place].done = true;
    counts->done += r->images[place].done;
    return known;
}

// Whether the file is not there any more, but its folder is: else the disk may be elsewhere, or the working folder another one. Of an
// address, of noise, or a path that the row does not have byte by byte, nobody knows.
static bool is_gone(const char *source)
{
    char folder[ROW_SOURCE_MAX];
    if (strncmp(source, "...", 3) == 0 || strchr(source, '?') || intake_is_url(source) || noise_is_named(source) ||
        channel_input_is_named(source) || access(source, F_OK) == 0)
        return false;
    snprintf(folder, sizeof folder, "%s", source);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = '\0';
    return access(slash ? folder : ".", F_OK) == 0;
}

// Images that the inputs do not name now. What is done of them stays. Others are forgotten, but for their folders where there are some.
static void look_at_others(struct resume *r)
{
    for (size_t i = 0; i < r->past.count; i++) {
        struct known_image *known = &r->known.items[i];
        if (known->taken)
            continue;
        const struct run_image *image = &r->past.items[i];
        known->left_out = !image->output[0];
        if (image->status == IMAGE_DONE && !image->earlier) {
            const bool missing = is_gone(known->source);
            r->images[i] = (struct resume_image){.done = true, .missing = missing};
            *(missing ? &r->counts.gone : &r->counts.unnamed) += 1;
        }
    }
}

// Whether there is nothing to do, and the run file would say the same.
static bool is_complete(const struct resume *r)
{
    const struct resume_counts *c = &r->counts;
    bool same = c->added + c->changed + c->failed + c->unfinished + c->lost == 0;
    for (size_t i = 0; i < r->past.count; i++)
        same = same && (r->past.items[i].earlier || (r->images[i].done && r->images[i].missing == r->past.items[i].missing));
    return same;
}

static void walk(struct resume *r, struct intake *intake, const struct resume_options *options)
{
    const struct expected_files files = expect(options);
    struct intake_entry entry;
    struct address_check addresses = {0};
    int64_t seen = 0;
    double said = now();
    for (bool end = false;;) {
        intake_pass(intake, &entry, &end);
        if (end)
            break;
        const struct known_image *known = look_at(r, &entry, options, &files);
        address_check_see(&addresses, &r->past, entry.shown, known != NULL);
        seen++;
        if (now() - said > say_so_after) {
            log_info("compared %" PRId64 " images with those of the run that is there, so far", seen);
            said = now();
        }
    }
    address_check_warn(&addresses, &r->past, options->output);
    look_at_others(r);
    parting_look(r, options->output);
    known_images_rewind(&r->known);
    r->complete = is_complete(r);
}

// As the run file has them.
static enum status know(struct resume *r)
{
    struct known_image *items;
    TRY(ALLOCATE(r->images, r->past.count + 1, "for %zu images", r->past.count));
    TRY(ALLOCATE(items, r->past.count + 1, "for %zu images", r->past.count));
    for (size_t i = 0; i < r->past.count; i++) {
        const struct run_image *image = &r->past.items[i];
        const char *slash = strrchr(image->output, '/');
        if (slash && !folder_name_is_safe(image->output, (size_t)(slash - image->output))) {
            free(items);
            return fail(STATUS_FORMAT, "%s: image %lld has the output '%s'; the file is damaged: %s", r->path, (long long)image->id,
                        image->output, anew);
        }
        items[i] = (struct known_image){.id = image->id,
                                        .source = image->source,
                                        .folder = image->output,
                                        .folder_length = slash ? (size_t)(slash - image->output) : 0};
    }
    return known_images_create(&r->known, items, r->past.count);
}

enum status resume_refuse(const struct resume *r, const char *difference)
{
    return fail(STATUS_USAGE, "%s is of other settings: %s; take the same, or %s", r->path, difference, anew);
}

static enum status check_run(struct resume *r, const struct run_facts *past, const struct resume_options *options)
{
    char difference[512];
    struct config was;
    if (strcmp(past->version, ONEIROS_VERSION) != 0)
        return fail(STATUS_USAGE, "%s is of oneiros %s and this is %s, whose dreams may differ: %s", r->path, past->version,
                    ONEIROS_VERSION, anew);
    if (strcmp(past->kind, config_use_name(options->use)) != 0)
        return fail(STATUS_USAGE, "%s is of `oneiros %s`: %s", r->path, past->kind, anew);
    config_init(&was);
    TRY(config_yaml_read(&was, r->path, past->config, strlen(past->config)));
    r->folders = was.output.folders;
    snprintf(r->plan, sizeof r->plan, "%s", was.plan);
    if (config_difference(&was, options->config, options->use, difference, sizeof difference))
        return resume_refuse(r, difference);
    return STATUS_OK;
}

// `earlier`: from /earlier.
static enum status read_stopped(struct resume *r, struct run_reader *reader, bool earlier)
{
    struct run_cursor *cursor;
    TRY(run_cursor_open(&cursor, reader, earlier ? RUN_EARLIER : RUN_IMAGES));
    for (const struct image_row *row; (row = run_cursor_next(cursor));) {
        const struct resume_image *image = find(r, row->id);
        const struct run_image *past = image ? &r->past.items[image - r->images] : NULL;
        if (past && past->status == IMAGE_STOPPED && past->earlier == earlier && row->status == IMAGE_STOPPED)
            r->unfinished[r->unfinished_count++] = *row;
    }
    return run_cursor_close(&cursor, STATUS_OK);
}

static enum status read_unfinished(struct resume *r, struct run_reader *reader)
{
    size_t count = 0;
    for (size_t i = 0; i < r->past.count; i++)
        count += r->past.items[i].status == IMAGE_STOPPED;
    TRY(ALLOCATE(r->unfinished, count + 1, "for %zu images", count));
    TRY(read_stopped(r, reader, false));
    return read_stopped(r, reader, true);
}

static enum status read_run(struct resume *r, struct run_reader **reader)
{
    TRY(run_reader_open(reader, r->path));
    const struct run_facts *past = &(*reader)->facts;
    snprintf(r->weights_md5, sizeof r->weights_md5, "%s", past->weights_md5);
    snprintf(r->guide_sha256, sizeof r->guide_sha256, "%s", past->guide_sha256 ? past->guide_sha256 : "");
    snprintf(r->statistics_sha256, sizeof r->statistics_sha256, "%s", past->statistics_sha256 ? past->statistics_sha256 : "");
    snprintf(r->mask_sha256, sizeof r->mask_sha256, "%s", past->mask_sha256 ? past->mask_sha256 : "");
    r->tiles = (struct tile_rules){.size = past->tile_size, .halo = past->tile_halo, .blend = past->tile_blend};
    TRY(run_images_read(*reader, &r->past));
    return run_images_add_earlier(*reader, &r->past);
}

// Whether there is a dream of that run, or a part of one.
static bool has_something(const struct resume *r, const char *output)
{
    for (size_t i = 0; i < r->past.count; i++)
        if (r->past.items[i].output[0])
            return true;
    return checkpoint_folder_look(output, NULL, NULL) > 0;
}

// The first digits of digests, [count], by size.
struct digests {
    uint64_t *items;
    size_t count;
};

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t start_of(const char *digest)
{
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", digest);
    return strtoull(digits, NULL, 16);
}

static bool is_needed(void *context, const char *name)
{
    const struct digests *done = context;
    const uint64_t start = start_of(name);
    return !strchr(name, '.') && !bsearch(&start, done->items, done->count, sizeof start, by_size);
}

static enum status remove_checkpoints(const struct resume *r, const char *output)
{
    struct digests done = {0};
    TRY(ALLOCATE(done.items, r->past.count + 1, "for %zu images", r->past.count));
    for (size_t i = 0; i < r->past.count; i++)
        if (r->images[i].done)
            done.items[done.count++] = start_of(r->past.items[i].sha256);
    qsort(done.items, done.count, sizeof *done.items, by_size);
    const enum status rc = checkpoint_folder_remove(output, r->complete ? NULL : is_needed, &done);
    free(done.items);
    return rc;
}

static enum status open_run(struct resume *r, const struct resume_options *options, bool *something)
{
    struct run_reader *reader = NULL;
    struct intake *intake = NULL;
    enum status rc;
    TRY_OUT(file_join(r->path, options->output, "run.h5"));
    r->earlier = (struct run_earlier){
        .path = r->path, .keep = is_done, .remember = is_remembered, .is_missing = is_missing, .is_own = parting_is_own, .context = r};
    rc = read_run(r, &reader);
    if (rc != STATUS_OK) {
        rc = fail(rc == STATUS_IO ? STATUS_FORMAT : rc, "cannot go on with the run that is there: %s; --force begins anew",
                  status_message());
        goto out;
    }
    *something = has_something(r, options->output);
    if (!*something)
        goto out;
    TRY_OUT(check_run(r, &reader->facts, options));
    TRY_OUT(know(r));
    TRY_OUT(read_unfinished(r, reader));
    TRY_OUT(intake_create(&intake, &(struct intake_options){.output = options->output,
                                                            .folders = r->folders,
                                                            .inputs = options->inputs,
                                                            .count = options->input_count,
                                                            .lists = options->lists,
                                                            .videos = options->use == CONFIG_DREAM,
                                                            .quiet = true}));
    walk(r, intake, options);
    // Else its last write was cut off, or it says that something is left: it is written anew.
    r->complete = r->complete && !reader->unclosed && reader->facts.complete;
    if (!options->look_only)
        TRY_OUT(remove_checkpoints(r, options->output)); // that run may have been killed before it did so
    r->counts.begun = checkpoint_folder_look(options->output, NULL, NULL) - r->counts.unfinished;
out:
    intake_destroy(&intake);
    run_reader_close(&reader);
    return rc;
}

enum status resume_create(struct resume **resume, const struct resume_options *options)
{
    TRY(ALLOCATE(*resume, 1, "to go on with a run"));
    bool something = true;
    const enum status rc = open_run(*resume, options, &something);
    if (rc != STATUS_OK || !something)
        resume_destroy(resume);
    return rc;
}

void resume_destroy(struct resume **resume)
{
    if (!*resume)
        return;
    known_images_destroy(&(*resume)->known);
    run_images_destroy(&(*resume)->past);
    free((*resume)->images);
    free((*resume)->unfinished);
    free(*resume);
    *resume = NULL;
}

void resume_written(struct resume *r, struct image_row *row)
{
    struct resume_image *image = find(r, row->id);
    if (!image)
        return;
    image->written = true;
    if (row->status == IMAGE_FAILED && !row->output[0])
        snprintf(row->output, sizeof row->output, "%s", r->past.items[image - r->images].output);
}

const struct image_row *resume_next_unfinished(struct resume *r)
{
    while (r->unfinished_count > 0) {
        const struct image_row *row = &r->unfinished[--r->unfinished_count];
        const struct resume_image *image = find(r, row->id);
        if (image && image->named && !image->written)
            return row;
    }
    return NULL;
}

void resume_describe(const struct resume *r, char *text, size_t size)
{
    const struct resume_counts *c = &r->counts;
    const struct {
        int64_t count;
        const char *what;
    } parts[] = {{c->done, "done"},
                 {c->added, "new"},
                 {c->changed, "changed"},
                 {c->failed, "failed before"},
                 {c->unfinished, "unfinished"},
                 {c->lost, "with files missing"},
                 {c->gone, "whose picture is gone"},
                 {c->unnamed, "not named this time"}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].count > 0 && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%" PRId64 " %s", used ? ", " : "", parts[i].count, parts[i].what);
    if (c->begun > 0 && !r->complete)
        text_append(text, size, " (%" PRId64 " go%s on from a checkpoint)", c->begun, c->begun == 1 ? "es" : "");
    if (c->gone + c->unnamed > 0)
        text_append(text, size, c->gone + c->unnamed > 1 ? ": their dreams stay" : ": its dream stays");
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
