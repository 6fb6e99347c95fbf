// SPDX-License-Identifier: MIT
#include "coordinator/clip/segment_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/system/log.h"

struct head {
    char magic[16];
    char sha256[65];
    struct clip_plan plan;
    int32_t segment, width, height, has_part;
    int64_t next, ripe_count, row_count, image;
};

static const char magic[16] = "oneiros segment";
enum { ROWS_MAX = 1 << 26 };
static const uint64_t file_bytes_max = UINT64_C(1) << 36;

static size_t value_count(const struct segment_setup *setup)
{
    return 3 * (size_t)setup->width * (size_t)setup->height;
}

static struct head head_of(const struct segment_file *file)
{
    const struct segment_setup *setup = file->setup;
    struct head head;
    memset(&head, 0, sizeof head); // padding, too: it is written
    memcpy(head.magic, magic, sizeof magic);
    memcpy(head.sha256, setup->sha256, sizeof head.sha256);
    head.plan = setup->plan;
    head.segment = file->segment;
    head.width = setup->width;
    head.height = setup->height;
    return head;
}

enum status segment_file_write(const struct segment_file *file, const struct video_part *part)
{
    char path[FILE_PATH_MAX];
    struct record_writer writer = {0};
    struct head head = head_of(file);
    head.has_part = part != NULL;
    head.next = file->next;
    head.ripe_count = file->ripe_count;
    head.row_count = (int64_t)file->row_count;
    TRY(clip_part_path(path, file->setup->stem, file->segment, 's', 0, ""));
    TRY(record_create(&writer, path));
    record_write(&writer, &head, sizeof head);
    record_write(&writer, file->dream, file->dream ? value_count(file->setup) * sizeof *file->dream : 0);
    record_write(&writer, file->ripe, (size_t)file->ripe_count * sizeof *file->ripe);
    record_write(&writer, file->rows, file->row_count * sizeof *file->rows);
    if (part)
        video_part_save(part, &writer);
    TRY(record_commit(&writer));
    return file_sync_name(path);
}

static enum status check(const struct head *head, const struct segment_file *file)
{
    const struct head own = head_of(file);
    const struct clip_range range = clip_plan_dreamed(&file->setup->plan, file->segment);
    if (memcmp(head->magic, magic, sizeof magic) != 0 || memcmp(head->sha256, own.sha256, sizeof own.sha256) != 0 ||
        head->plan.frames != own.plan.frames || head->plan.segments != own.plan.segments || head->plan.lead != own.plan.lead ||
        head->plan.fade != own.plan.fade || head->segment != own.segment || head->width != own.width || head->height != own.height ||
        head->next <= range.begin || head->next > range.end || head->ripe_count < 0 || head->row_count != head->next - range.begin ||
        head->row_count > ROWS_MAX)
        return fail(STATUS_FORMAT, "it is not of this clip");
    return STATUS_OK;
}

static enum status read_all(struct segment_file *file, struct record_reader *reader)
{
    struct head head;
    void *dream = NULL, *ripe = NULL, *rows = NULL;
    enum status rc;
    TRY(record_read(reader, &head, sizeof head));
    TRY(check(&head, file));
    const bool whole = head.next == clip_plan_dreamed(&file->setup->plan, file->segment).end;
    TRY_OUT(record_read_array(reader, &dream, whole ? 0 : value_count(file->setup), sizeof(float)));
    TRY_OUT(record_read_array(reader, &ripe, (uint64_t)head.ripe_count, sizeof(float)));
    TRY_OUT(record_read_array(reader, &rows, (uint64_t)head.row_count, sizeof(struct frame_row)));
    file->next = head.next;
    file->ripe_count = head.ripe_count;
    file->row_count = (size_t)head.row_count;
    for (size_t i = 0; i < file->row_count; i++) // it may have had another id, among other inputs
        ((struct frame_row *)rows)[i].image = file->setup->image;
    file->dream = dream;
    file->ripe = ripe;
    file->rows = rows;
    if (head.has_part)
        file->part = *reader;
out:
    if (rc != STATUS_OK) {
        free(dream);
        free(ripe);
        free(rows);
    }
    return rc;
}

enum status segment_file_read(struct segment_file *file)
{
    char path[FILE_PATH_MAX];
    struct record_reader reader;
    TRY(clip_part_path(path, file->setup->stem, file->segment, 's', 0, ""));
    if (access(path, F_OK) != 0)
        return STATUS_OK;
    enum status rc = record_open(path, file_bytes_max, &file->memory, &reader);
    if (rc == STATUS_OK)
        rc = read_all(file, &reader);
    if (rc == STATUS_OK)
        return STATUS_OK;
    log_warning("'%s': %s; the segment begins anew", path, status_message());
    free(file->memory);
    file->memory = NULL;
    return STATUS_OK;
}
