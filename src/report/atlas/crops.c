// SPDX-License-Identifier: MIT
#include "report/atlas/crops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/resample.h"
#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"
#include "common/system/text.h"
#include "media/picture/codec.h"
#include "report/atlas/picture_again.h"
#include "report/atlas/sheet.h"

// A place that has won, and where its crop goes.
struct winner {
    struct exemplar *exemplar;
    int target;
    size_t place; // among all
};

struct cutting {
    const struct crops_options *options;
    struct winner *winners;          // by picture
    size_t count, room;              // of places in all
    FILE *store;                     // crops, CROP_BYTES each, by place; a file without a name
    char reason[STATUS_MESSAGE_MAX]; // why the first picture that could not be read could not
};

static size_t places_of(const struct exemplars *e, int target)
{
    return (size_t)e->channels[target] * PEAK_KINDS * (size_t)e->places;
}

// Those that the atlas is of.
static bool has_sheets(const struct exemplars *e, int target, int channel)
{
    return e->optima[target][channel].picture;
}

static int by_picture(const void *a, const void *b)
{
    const struct winner *x = a, *y = b;
    const int64_t p = x->exemplar->picture->id, q = y->exemplar->picture->id;
    return p != q ? (p > q) - (p < q) : (x->place > y->place) - (x->place < y->place);
}

static enum status list_winners(struct cutting *c)
{
    const struct exemplars *e = c->options->exemplars;
    for (int t = 0; t < e->targets; t++)
        c->room += places_of(e, t);
    TRY(ALLOCATE(c->winners, c->room + 1, "for %zu exemplars", c->room));
    size_t place = 0;
    for (int t = 0; t < e->targets; t++)
        for (size_t i = 0; i < places_of(e, t); i++, place++)
            if (e->items[t][i].picture && has_sheets(e, t, (int)(i / (size_t)(PEAK_KINDS * e->places))))
                c->winners[c->count++] = (struct winner){&e->items[t][i], t, place};
    qsort(c->winners, c->count, sizeof *c->winners, by_picture);
    return STATUS_OK;
}

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

struct crop_window crops_window(const struct exemplar *exemplar, const struct run_field *field)
{
    const int width = exemplar->picture->width, height = exemplar->picture->height;
    const int side = clamp(field->size / 2, 1, width < height ? width : height);
    return (struct crop_window){.side = side,
                                .x = clamp(field->centre + exemplar->x * field->stride - side / 2, 0, width - side),
                                .y = clamp(field->centre + exemplar->y * field->stride - side / 2, 0, height - side)};
}

static enum status cut(const struct image *image, const struct crop_window *window, uint8_t *bytes)
{
    const int side = window->side, x = window->x, y = window->y;
    struct image part = {0}, small = {0};
    enum status rc;
    TRY_OUT(image_create(&part, side, side));
    TRY_OUT(image_create(&small, CROP_SIDE, CROP_SIDE));
    for (size_t c = 0; c < 3; c++)
        for (int row = 0; row < side; row++)
            memcpy(part.rgb + (c * (size_t)side + (size_t)row) * (size_t)side,
                   image->rgb + (c * (size_t)image->height + (size_t)(y + row)) * (size_t)image->width + (size_t)x,
                   (size_t)side * sizeof(float));
    TRY_OUT(resample(part.rgb, 3, side, side, small.rgb, CROP_SIDE, CROP_SIDE));
    codec_to_bytes(small.rgb, CROP_SIDE * CROP_SIDE, bytes);
out:
    image_destroy(&part);
    image_destroy(&small);
    return rc;
}

static enum status store(struct cutting *c, size_t place, const uint8_t *bytes)
{
    if (fseeko(c->store, (off_t)place * CROP_BYTES, SEEK_SET) == 0 && fwrite(bytes, 1, CROP_BYTES, c->store) == CROP_BYTES)
        return STATUS_OK;
    return fail(STATUS_IO, "%s: cannot keep the exemplars: %m", c->options->folder);
}

// Whether it can be had once more; the first that cannot is named.
static enum status read_picture(struct cutting *c, const struct run_image *picture, struct image *image, bool *there)
{
    const struct crops_options *o = c->options;
    const enum status rc = picture_again(picture, o->config, o->fetching, o->folder, image);
    *there = rc == STATUS_OK;
    if (stop_requested())
        return fail(STATUS_STOPPED, "%s: stopped before the atlas was made; the same command makes it", o->folder);
    if (rc != STATUS_OK && !c->reason[0])
        snprintf(c->reason, sizeof c->reason, "%s%s%s", strstr(status_message(), picture->source) ? "" : picture->source,
                 strstr(status_message(), picture->source) ? "" : ": ", status_message());
    return STATUS_OK;
}

// All that one picture has won.
static enum status cut_picture(struct cutting *c, const struct winner *first, size_t count)
{
    struct image image = {0};
    uint8_t bytes[CROP_BYTES];
    bool there;
    enum status rc;
    TRY_OUT(read_picture(c, first->exemplar->picture, &image, &there));
    for (size_t i = 0; i < count; i++) {
        const struct crop_window window = crops_window(first[i].exemplar, &c->options->fields[first[i].target]);
        first[i].exemplar->grey = !there;
        if (!there)
            continue;
        TRY_OUT(cut(&image, &window, bytes));
        TRY_OUT(store(c, first[i].place, bytes));
    }
out:
    image_destroy(&image);
    return rc;
}

// Of a picture that is not to be had: as the sheet before had it.
static bool find_former(const struct sheet *former, struct exemplar *exemplar, const char *label, uint8_t *bytes)
{
    exemplar->grey = exemplar->grey && !sheet_find(former, label, bytes);
    return !exemplar->grey;
}

static enum status fill_sheet(struct cutting *c, struct sheet *sheet, const struct sheet *former, struct exemplar *exemplars, size_t place)
{
    char label[CROP_LABEL_MAX];
    uint8_t bytes[CROP_BYTES];
    for (int i = 0; i < sheet->places && exemplars[i].picture; i++) {
        struct exemplar *e = &exemplars[i];
        snprintf(label, sizeof label, "%s %d %d", e->picture->sha256, e->y, e->x);
        if (!e->grey && (fseeko(c->store, (off_t)(place + (size_t)i) * CROP_BYTES, SEEK_SET) != 0 ||
                         fread(bytes, 1, CROP_BYTES, c->store) != CROP_BYTES))
            return fail(STATUS_IO, "%s: cannot read the exemplars back: %m", c->options->folder);
        sheet_add(sheet, label, !e->grey || find_former(former, e, label, bytes) ? bytes : NULL);
    }
    return STATUS_OK;
}

static enum status write_sheet(struct cutting *c, int target, int channel, int kind, size_t place)
{
    const struct exemplars *e = c->options->exemplars;
    struct exemplar *exemplars = e->items[target] + (size_t)(channel * PEAK_KINDS + kind) * (size_t)e->places;
    struct sheet sheet = {0}, former = {0};
    char path[FILE_PATH_MAX], name[CONFIG_NAME_MAX + 64];
    bool any = false;
    enum status rc;
    snprintf(name, sizeof name, "exemplars/%s-%d-%s.png", c->options->layers[target], channel,
             kind == PEAK_ACTIVATION ? "activation" : "relevance");
    TRY(file_join(path, c->options->folder, name));
    for (int i = 0; i < e->places && exemplars[i].picture; i++)
        any = any || exemplars[i].grey;
    if (any)
        (void)sheet_read(&former, path);
    TRY_OUT(sheet_create(&sheet, e->places));
    TRY_OUT(fill_sheet(c, &sheet, &former, exemplars, place));
    rc = sheet_write(&sheet, path);
out:
    sheet_destroy(&sheet);
    sheet_destroy(&former);
    return rc;
}

static enum status write_sheets(struct cutting *c)
{
    const struct exemplars *e = c->options->exemplars;
    size_t place = 0;
    for (int t = 0; t < e->targets; t++)
        for (int channel = 0; channel < e->channels[t]; channel++)
            for (int kind = 0; kind < PEAK_KINDS; kind++, place += (size_t)e->places)
                if (stop_requested())
                    return fail(STATUS_STOPPED, "%s: stopped before the atlas was made; the same command makes it", c->options->folder);
                else if (has_sheets(e, t, channel) && exemplars_of(e, t, channel, kind)[0].picture)
                    TRY(write_sheet(c, t, channel, kind, place));
    return STATUS_OK;
}

// In the output folder, whose disk has room.
static enum status open_store(struct cutting *c)
{
    char path[FILE_PATH_MAX];
    TRY(file_join(path, c->options->folder, "exemplars"));
    TRY(file_make_folder(path));
    TRY(file_join(path, c->options->folder, "exemplars/crops.part"));
    c->store = fopen(path, "w+be");
    if (!c->store)
        return fail(STATUS_IO, "%s: %m", path);
    unlink(path);
    return STATUS_OK;
}

// Pictures of which a place stayed grey.
static void say_missing(const struct cutting *c)
{
    size_t missing = 0;
    for (size_t i = 0, end; i < c->count; i = end) {
        bool grey = false;
        for (end = i; end < c->count && c->winners[end].exemplar->picture == c->winners[i].exemplar->picture; end++)
            grey = grey || c->winners[end].exemplar->grey;
        missing += grey;
    }
    if (missing > 0)
        log_warning("places in %zu picture%s are grey in the sheets, which cannot be read again (%s)", missing, PLURAL(missing), c->reason);
}

enum status crops_write(const struct crops_options *options)
{
    struct cutting c = {.options = options};
    enum status rc;
    TRY_OUT(list_winners(&c));
    TRY_OUT(open_store(&c));
    for (size_t i = 0, end; i < c.count; i = end) {
        for (end = i + 1; end < c.count && c.winners[end].exemplar->picture == c.winners[i].exemplar->picture;)
            end++;
        TRY_OUT(cut_picture(&c, &c.winners[i], end - i));
    }
    TRY_OUT(write_sheets(&c));
    say_missing(&c);
out:
    if (c.store)
        fclose(c.store);
    free(c.winners);
    return rc;
}
