// SPDX-License-Identifier: MIT
#include "report/page.h"

#include <string.h>
#include <sys/stat.h>

#include "common/system/log.h"
#include "common/wire/run_rows.h"
#include "report/assets.h"
#include "report/page_data.h"

enum { PATIENCE = 200 }; // pictures whose thumbnails take so long that it is said

// What stands in page.html for the other parts.
static const struct {
    const char *mark;
    const struct asset *asset; // NULL: the data
} parts[] = {{"@style@", &asset_page_css}, {"@data@", NULL}, {"@chart@", &asset_chart_js}, {"@script@", &asset_page_js}};

static enum status write_parts(const json_t *json, FILE *stream)
{
    const char *at = (const char *)asset_page_html.bytes;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *mark = strstr(at, parts[i].mark);
        if (!mark)
            return fail(STATUS_INTERNAL, "%s has no %s", asset_page_html.name, parts[i].mark);
        fwrite(at, 1, (size_t)(mark - at), stream);
        if (parts[i].asset)
            fwrite(parts[i].asset->bytes, 1, parts[i].asset->size, stream);
        else
            TRY(page_data_write(json, stream));
        at = mark + strlen(parts[i].mark);
    }
    fputs(at, stream);
    return STATUS_OK;
}

static enum status write_page(const struct page_data *data, const char *path)
{
    struct file_writer writer;
    json_t *json = page_data_json(data);
    enum status rc;
    TRY_OUT(json ? file_create(&writer, path) : fail(STATUS_LIMIT, "no memory for the data of a page"));
    rc = write_parts(json, writer.stream);
    if (rc == STATUS_OK)
        rc = file_commit(&writer);
    else
        file_abandon(&writer);
out:
    json_decref(json);
    return rc;
}

// Everything that is read of the run file, while it is open.
struct contents {
    struct run_facts facts;
    struct run_images images;
    struct curves curves;
    struct channels channels;
    struct phases phases;
};

static enum status read_contents(hid_t file, const char *path, struct contents *contents)
{
    TRY(run_facts_read(file, path, &contents->facts));
    const int targets = (int)contents->facts.target_count;
    // A run that goes on adds rows: images first, so that all that they speak of is there.
    TRY(run_images_read(file, path, targets, &contents->images));
    TRY(curves_read(file, path, targets, &contents->curves));
    TRY(channels_read(file, path, &contents->facts, &contents->images, &contents->channels));
    return phases_read(file, path, contents->facts.ranks, contents->facts.workers, contents->facts.elapsed, &contents->phases);
}

static void destroy_contents(struct contents *contents)
{
    channels_destroy(&contents->channels);
    curves_destroy(&contents->curves);
    run_images_destroy(&contents->images);
    run_facts_destroy(&contents->facts);
}

static void sum_up(const struct contents *contents, const struct gallery *gallery, struct page_summary *summary)
{
    struct stat info;
    summary->images = contents->images.count;
    summary->failed = summary->stopped = summary->thumbnails = 0;
    for (size_t i = 0; i < contents->images.count; i++) {
        summary->failed += contents->images.items[i].status == IMAGE_FAILED;
        summary->stopped += contents->images.items[i].status == IMAGE_STOPPED;
        summary->thumbnails += gallery->items[i].after != NULL;
    }
    summary->bytes = stat(summary->path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

// The folder that a run file is in.
static void folder_of(const char *path, char folder[FILE_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(folder, FILE_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        strcpy(folder, ".");
}

enum status page_write(const char *run, struct page_summary *summary)
{
    char path[FILE_PATH_MAX], folder[FILE_PATH_MAX];
    struct contents contents = {0};
    struct gallery gallery = {0};
    hid_t file = -1;
    enum status rc;
    TRY_OUT(run_facts_path(run, path));
    folder_of(path, folder);
    TRY_OUT(file_join(summary->path, folder, "report.html"));
    TRY_OUT(run_facts_open(path, &file));
    rc = read_contents(file, path, &contents);
    H5Fclose(file);
    if (rc != STATUS_OK)
        goto out;
    if (contents.images.count >= PATIENCE)
        log_info("%s: thumbnails of %zu pictures", path, contents.images.count);
    TRY_OUT(gallery_make(folder, &contents.facts, &contents.images, &gallery));
    const struct page_data data = {.facts = &contents.facts,
                                   .images = &contents.images,
                                   .gallery = &gallery,
                                   .curves = &contents.curves,
                                   .channels = &contents.channels,
                                   .phases = &contents.phases};
    TRY_OUT(write_page(&data, summary->path));
    sum_up(&contents, &gallery, summary);
out:
    gallery_destroy(&gallery);
    destroy_contents(&contents);
    return rc;
}
