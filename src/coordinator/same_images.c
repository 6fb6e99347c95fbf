// SPDX-License-Identifier: MIT
#include "coordinator/same_images.h"

#include <stdio.h>
#include <string.h>

#include "common/system/log.h"
#include "coordinator/intake/intake.h"
#include "coordinator/intake/known_images.h"
#include "coordinator/output/folder_links.h"

enum { DIGEST = 16, PLACEHOLDER = 5 }; // bytes of a digest; addresses of the same bytes that are too many for a coincidence

enum state { FREE, PENDING, DONE, FAILED };

struct entry {
    uint8_t digest[DIGEST];
    int64_t id;     // of the first image
    uint64_t named; // a hash of its name
    char *place;    // malloc'ed: of one that is done, its picture in the output folder
    uint32_t urls;  // addresses that gave these bytes
    uint8_t state;  // of the first image; FREE: no entry
    bool more_urls; // in this session
};

struct same_images {
    const char *output;
    struct resume *resume;
    struct entry *entries; // [capacity], a power of two
    size_t capacity, count;
    struct task_queue waiting, ready;
    bool each;   // none is looked for
    bool warned; // that files cannot be linked
};

static void digest_of(const char *sha256, uint8_t digest[DIGEST])
{
    for (int i = 0; i < DIGEST; i++) {
        unsigned byte = 0;
        (void)sscanf(sha256 + 2 * i, "%2x", &byte);
        digest[i] = (uint8_t)byte;
    }
}

// The entry of a digest, or the free one where it belongs.
static struct entry *find(struct entry *entries, size_t capacity, const uint8_t digest[DIGEST])
{
    size_t i;
    memcpy(&i, digest, sizeof i);
    for (i &= capacity - 1; entries[i].state != FREE && memcmp(entries[i].digest, digest, DIGEST) != 0;)
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static enum status grow(struct same_images *s)
{
    const size_t capacity = s->capacity ? 2 * s->capacity : 1024;
    struct entry *entries;
    TRY(ALLOCATE(entries, capacity, "to know %zu images by their digests", s->count));
    for (size_t i = 0; i < s->capacity; i++)
        if (s->entries[i].state != FREE)
            *find(entries, capacity, s->entries[i].digest) = s->entries[i];
    free(s->entries);
    s->entries = entries;
    s->capacity = capacity;
    return STATUS_OK;
}

// The entry of these bytes, which may be a new one, of this image.
static enum status look_up(struct same_images *s, const char *sha256, int64_t id, const char *name, struct entry **entry)
{
    uint8_t digest[DIGEST];
    digest_of(sha256, digest);
    if (s->count + 1 > s->capacity / 4 * 3)
        TRY(grow(s));
    *entry = find(s->entries, s->capacity, digest);
    if ((*entry)->state != FREE)
        return STATUS_OK;
    **entry = (struct entry){.id = id, .named = known_images_hash(name), .state = PENDING};
    memcpy((*entry)->digest, digest, DIGEST);
    s->count++;
    return STATUS_OK;
}

// What the earlier sessions have done. Pictures that got another one's files have an entry in that one's.
static enum status take_over(struct same_images *s)
{
    const struct run_images *past = s->resume ? &s->resume->past : NULL;
    for (int others = 0; past && others < 2; others++)
        for (size_t i = 0; i < past->count; i++) {
            const struct run_image *image = &past->items[i];
            struct entry *entry;
            if (!s->resume->images[i].done || !image->sha256[0] || (image->same != 0) != others)
                continue;
            TRY(look_up(s, image->sha256, image->id, image->source, &entry));
            entry->urls += intake_is_url(image->source);
            if (entry->state == PENDING && !(entry->place = strdup(image->output)))
                return no_memory("for the images of an earlier run");
            entry->state = DONE;
        }
    return STATUS_OK;
}

enum status same_images_create(struct same_images **same, const char *output, struct resume *resume, bool each)
{
    TRY(ALLOCATE(*same, 1, "to know images by their digests"));
    (*same)->output = output;
    (*same)->resume = resume;
    (*same)->each = each;
    const enum status rc = each ? STATUS_OK : take_over(*same);
    if (rc != STATUS_OK)
        same_images_destroy(same);
    return rc;
}

void same_images_destroy(struct same_images **same)
{
    struct same_images *s = *same;
    if (!s)
        return;
    for (size_t i = 0; i < s->capacity; i++)
        free(s->entries[i].place);
    free(s->entries);
    task_queue_clear(&s->waiting);
    task_queue_clear(&s->ready);
    free(s);
    *same = NULL;
}

// Files of the first image for another one, which has come to its end with it.
static void finish(struct same_images *s, struct task *task, const struct entry *entry)
{
    struct image_row *record = &task->record;
    const char *what = entry->named == known_images_hash(record->source) ? "named twice:" : "the same bytes as";
    record->same = entry->id + 1;
    if (entry->state == FAILED) {
        (void)fail(STATUS_INTERNAL, "of the same bytes as image %lld, which failed", (long long)entry->id);
        task_failed(task);
    } else if (entry->place[0] == '\0') { // nothing is written of either
        image_notice(&task->image, NOTICE_SAME, "%s an image before it, which is not seen twice", what);
    } else if (folder_links_make(s->output, task->name, entry->place, record->output) == STATUS_OK) {
        image_notice(&task->image, NOTICE_SAME, "%s the picture of %s, which is not dreamed twice: linked", what, entry->place);
    } else {
        image_notice(&task->image, NOTICE_SAME, "%s the picture of %s, which is not dreamed twice", what, entry->place);
        if (!s->warned)
            log_warning("%s; run.h5 says which picture has the files", status_message());
        s->warned = true;
    }
    task_queue_append(&s->ready, task);
}

enum status same_images_see(struct same_images *s, struct task **task)
{
    struct image_row *record = &(*task)->record;
    struct entry *entry;
    if (s->each || record->status == IMAGE_FAILED)
        return STATUS_OK;
    TRY(look_up(s, record->sha256, record->id, record->source, &entry));
    const bool is_url = intake_is_url(record->source), is_done = resume_is_done(s->resume, record->id);
    if (is_url && !is_done && (entry->id != record->id || entry->urls == 0)) { // the first may come back from a worker
        entry->urls++;
        entry->more_urls = true;
    }
    if (entry->id == record->id)
        return STATUS_OK;
    struct task *other = *task;
    *task = NULL;
    image_destroy(&other->image);
    checkpoint_destroy(&other->earlier);
    if (is_done) // it was read to be another one's baseline, and is none
        task_destroy(&other);
    else if (entry->state == PENDING)
        task_queue_append(&s->waiting, other);
    else
        finish(s, other, entry);
    return STATUS_OK;
}

void same_images_end(struct same_images *s, const struct image_row *record)
{
    uint8_t digest[DIGEST];
    if (!record->sha256[0] || s->count == 0)
        return;
    digest_of(record->sha256, digest);
    struct entry *entry = find(s->entries, s->capacity, digest);
    if (entry->state == FREE || entry->id != record->id || record->status == IMAGE_STOPPED)
        return;
    free(entry->place);
    entry->place = strdup(record->output);
    entry->state = record->status == IMAGE_DONE && entry->place ? DONE : FAILED;
    for (struct task *task, *next = s->waiting.first; (task = next);) {
        next = task->next;
        if (strcmp(task->record.sha256, record->sha256) == 0)
            finish(s, task_queue_remove(&s->waiting, task), entry);
    }
}

struct task *same_images_next(struct same_images *s)
{
    return task_queue_take(&s->ready);
}

int same_images_waiting(const struct same_images *s)
{
    return s->waiting.count + s->ready.count;
}

void same_images_warn(const struct same_images *s)
{
    const struct entry *most = NULL;
    int others = -1;
    for (size_t i = 0; i < s->capacity; i++) {
        const struct entry *entry = &s->entries[i];
        if (entry->state == FREE || entry->urls < PLACEHOLDER || !entry->more_urls)
            continue;
        others++;
        most = !most || entry->urls > most->urls ? entry : most;
    }
    if (!most)
        return;
    char digits[2 * DIGEST + 1], more[64] = "";
    for (int i = 0; i < DIGEST; i++)
        snprintf(digits + 2 * i, 3, "%02x", (unsigned)most->digest[i]);
    if (others > 0)
        snprintf(more, sizeof more, "; and %d more picture%s like that", others, others == 1 ? "" : "s");
    log_warning("%u addresses gave the same picture, with sha256 %s...: a placeholder for what is not there? It is image %lld%s%s%s",
                most->urls, digits, (long long)most->id, most->place ? ", " : "", most->place ? most->place : "", more);
}
