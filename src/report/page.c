// SPDX-License-Identifier: MIT
#include "report/page.h"

#include <libgen.h>
#include <string.h>
#include <sys/stat.h>

#include "common/system/log.h"
#include "common/wire/run_rows.h"
#include "report/assets.h"
#include "report/page_data.h"
#include "report/page_parts.h"

enum { PATIENCE = 200 }; // pictures whose thumbnails take so long that it is said

static const struct page_part parts[] = {{"@top@", &asset_top_html},   {"@style@", &asset_page_css},   {"@data@", NULL},
                                         {"@chart@", &asset_chart_js}, {"@common@", &asset_common_js}, {"@script@", &asset_page_js}};

static enum status write_page(const struct page_data *data, const char *path)
{
    json_t *json = page_data_json(data);
    const enum status rc = page_parts_write(path, &asset_page_html, parts, sizeof parts / sizeof parts[0], json);
    json_decref(json);
    return rc;
}

static enum status read_data(struct run_reader *reader, struct page_data *data)
{
    // A run that goes on adds rows: images first, so that all that they speak of is there.
    TRY(run_images_read(reader, &data->images));
    TRY(measures_read_pictures(reader, &data->measures));
    TRY(curves_read(reader, &data->curves));
    TRY(channels_read(reader, &data->images, &data->channels));
    TRY(layout_find(reader, &data->images, &data->layout));
    TRY(run_summary_make(&data->summary, reader->path));
    return phases_read(reader, &data->phases);
}

static void sum_up(const struct page_data *data, struct page_summary *summary)
{
    struct stat info;
    summary->images = data->images.count;
    summary->failed = summary->stopped = summary->thumbnails = 0;
    for (size_t i = 0; i < data->images.count; i++) {
        summary->failed += data->images.items[i].status == IMAGE_FAILED;
        summary->stopped += data->images.items[i].status == IMAGE_STOPPED;
        summary->thumbnails += data->gallery.items[i].after != NULL;
    }
    summary->inputs = data->state->phase == RUN_COMPLETE ? -1 : data->state->known.inputs;
    summary->bytes = stat(summary->path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

enum status page_write(const char *run, struct page_summary *summary)
{
    char path[FILE_PATH_MAX]; // of the run file, which dirname() cuts
    struct page_data data = {0};
    struct run_state *state;
    enum status rc;
    TRY(run_state_read(&state, run));
    struct run_reader *reader = state->reader;
    if (!reader)
        TRY_OUT(fail(STATUS_IO, "%s: the run %s, and has written nothing yet", state->folder,
                     state->phase == RUN_STARTING ? "is starting" : "was killed as it started"));
    if (strcmp(reader->facts.kind, "atlas") == 0)
        TRY_OUT(fail(STATUS_USAGE, "%s is of an atlas, whose page is atlas.html beside it; `oneiros report --csv` writes its tables",
                     reader->path));
    data.state = state;
    data.facts = &reader->facts;
    memcpy(path, reader->path, sizeof path);
    const char *folder = dirname(path);
    TRY_OUT(file_join(summary->path, folder, "report.html"));
    TRY_OUT(read_data(reader, &data));
    if (data.images.count >= PATIENCE)
        log_info("%s: thumbnails of %zu pictures", reader->path, data.images.count);
    TRY_OUT(gallery_make(folder, data.facts, &data.images, &data.gallery));
    TRY_OUT(write_page(&data, summary->path));
    sum_up(&data, summary);
out:
    page_data_destroy(&data);
    run_state_destroy(&state);
    return rc;
}
