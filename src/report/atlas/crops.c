// SPDX-License-Identifier: MIT
#include "report/atlas/crops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/picture/resample.h"
#include "common/system/file.h"
#include "media/picture/codec.h"

enum { CROP_BYTES = 3 * CROP_SIDE * CROP_SIDE, GREY = 128 };

// A place that has won, and where its crop goes.
struct winner {
    const struct exemplar *exemplar;
    int target;
    size_t place; // among all
};

struct cutting {
    const struct crops_options *options;
    struct winner *winners; // by picture
    size_t count, room;     // of places in all
    FILE *store;            // crops, CROP_BYTES each, by place; a file without a name
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

// The picture as the network saw it.
static enum status read_picture(const struct config *config, const struct run_image *record, struct image *image)
{
    const struct image_limits limits = {.side = config->input.max_side, .pixels = config->input.max_pixels};
    struct image_limits choice = limits;
    struct image decoded = {0};
    void *bytes = NULL;
    size_t size;
    char digest[65];
    enum status rc;
    TRY_OUT(image_choice_parse(&choice.choice, config->input.bands, config->input.range));
    choice.choice.accepts_damage = config->input.damaged == DAMAGED_ACCEPT;
    choice.choice.alone = "cut";
    TRY_OUT(file_read(record->source, config->input.max_bytes, &bytes, &size));
    TRY_OUT(bytes_sha256(bytes, size, digest));
    if (strcmp(digest, record->sha256) != 0)
        TRY_OUT(fail(STATUS_FORMAT, "%s is another picture now", record->source));
    TRY_OUT(codec_decode(bytes, size, &choice, &decoded));
    TRY_OUT(image_create(image, record->width, record->height));
    rc = resample(decoded.rgb, 3, decoded.width, decoded.height, image->rgb, image->width, image->height);
out:
    image_destroy(&decoded);
    free(bytes);
    return rc;
}

static int clamp(int value, int least, int most)
{
    return value < least ? least : value > most ? most : value;
}

// Half of what the value depends on, around its middle, inside the picture: what lies farther out hardly counts.
static enum status cut(const struct image *image, const struct exemplar *exemplar, const struct run_field *field, uint8_t *bytes)
{
    const int shorter = image->width < image->height ? image->width : image->height, side = clamp(field->size / 2, 1, shorter);
    const int x = clamp(field->centre + exemplar->x * field->stride - side / 2, 0, image->width - side);
    const int y = clamp(field->centre + exemplar->y * field->stride - side / 2, 0, image->height - side);
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

// All that one picture has won. One that cannot be read leaves its places grey.
static enum status cut_picture(struct cutting *c, const struct winner *first, size_t count, size_t *missing)
{
    struct image image = {0};
    uint8_t bytes[CROP_BYTES];
    enum status rc = STATUS_OK;
    const bool there = read_picture(c->options->config, first->exemplar->picture, &image) == STATUS_OK;
    *missing += !there;
    memset(bytes, GREY, sizeof bytes);
    for (size_t i = 0; i < count && rc == STATUS_OK; i++) {
        if (there)
            rc = cut(&image, first[i].exemplar, &c->options->fields[first[i].target], bytes);
        rc = rc == STATUS_OK ? store(c, first[i].place, bytes) : rc;
    }
    image_destroy(&image);
    return rc;
}

static enum status write_sheet(struct cutting *c, int target, int channel, int kind, size_t place)
{
    const struct exemplars *e = c->options->exemplars;
    const int rows = (e->places + CROP_COLUMNS - 1) / CROP_COLUMNS;
    const int width = CROP_COLUMNS * (CROP_SIDE + CROP_GAP) - CROP_GAP, height = rows * (CROP_SIDE + CROP_GAP) - CROP_GAP;
    char path[FILE_PATH_MAX], name[CONFIG_NAME_MAX + 64];
    uint8_t bytes[CROP_BYTES], *sheet;
    enum status rc;
    snprintf(name, sizeof name, "exemplars/%s-%d-%s.png", c->options->layers[target], channel,
             kind == PEAK_ACTIVATION ? "activation" : "relevance");
    TRY(file_join(path, c->options->folder, name));
    TRY(ALLOCATE(sheet, 3 * (size_t)width * (size_t)height, "for a sheet of exemplars"));
    memset(sheet, 255, 3 * (size_t)width * (size_t)height);
    rc = STATUS_OK;
    for (int i = 0; i < e->places && exemplars_of(e, target, channel, kind)[i].picture && rc == STATUS_OK; i++) {
        const int left = i % CROP_COLUMNS * (CROP_SIDE + CROP_GAP), top = i / CROP_COLUMNS * (CROP_SIDE + CROP_GAP);
        if (fseeko(c->store, (off_t)(place + (size_t)i) * CROP_BYTES, SEEK_SET) != 0 || fread(bytes, 1, CROP_BYTES, c->store) != CROP_BYTES)
            rc = fail(STATUS_IO, "%s: cannot read the exemplars back: %m", c->options->folder);
        for (int y = 0; y < CROP_SIDE; y++)
            memcpy(sheet + 3 * ((size_t)(top + y) * (size_t)width + (size_t)left), bytes + 3 * y * CROP_SIDE, 3 * CROP_SIDE);
    }
    if (rc == STATUS_OK)
        rc = codec_encode_bytes(path, width, height, sheet);
    free(sheet);
    return rc;
}

static enum status write_sheets(struct cutting *c)
{
    const struct exemplars *e = c->options->exemplars;
    size_t place = 0;
    for (int t = 0; t < e->targets; t++)
        for (int channel = 0; channel < e->channels[t]; channel++)
            for (int kind = 0; kind < PEAK_KINDS; kind++, place += (size_t)e->places)
                if (has_sheets(e, t, channel) && exemplars_of(e, t, channel, kind)[0].picture)
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

enum status crops_write(const struct crops_options *options, size_t *missing)
{
    struct cutting c = {.options = options};
    enum status rc;
    *missing = 0;
    TRY_OUT(list_winners(&c));
    TRY_OUT(open_store(&c));
    for (size_t i = 0, end; i < c.count; i = end) {
        for (end = i + 1; end < c.count && c.winners[end].exemplar->picture == c.winners[i].exemplar->picture;)
            end++;
        TRY_OUT(cut_picture(&c, &c.winners[i], end - i, missing));
    }
    rc = write_sheets(&c);
out:
    if (c.store)
        fclose(c.store);
    free(c.winners);
    return rc;
}
