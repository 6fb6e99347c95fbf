// SPDX-License-Identifier: MIT
#include "worker/team/tile_exchange.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/messages.h"

enum { TAG_GATHER = 1, TAG_SCATTER };

// What goes to and comes from one other member in a round: the parts of rectangles, in order of rectangles, each (3, height, width).
struct peer {
    float *in, *out;
    size_t in_room, out_room;   // floats allocated
    size_t in_count, out_count; // floats of this round
    size_t filled;              // of out_count, in a scatter
};

// One member that holds part of one of this member's own rectangles, and where that part begins in what is exchanged with it.
struct link {
    int member;
    size_t place;
};

struct tile_exchange {
    struct team *team;
    struct tile_exchange_layout layout;
    const struct slab *from; // gather
    struct slab *fields[2];  // scatter
    struct peer *peers;      // [team->size]
    MPI_Request *requests;   // [2 * team->size]: receives, sends
    struct link *links;      // of this round, by rectangle
    int *first_link;         // [own rectangles + 1]
    size_t link_room, rectangle_room;
};

enum status tile_exchange_create(struct tile_exchange **exchange, struct team *team)
{
    struct tile_exchange *x = *exchange = calloc(1, sizeof *x);
    if (!x)
        return fail(STATUS_LIMIT, "no memory for exchanges in a team of %d", team->size);
    x->team = team;
    x->peers = calloc((size_t)team->size, sizeof *x->peers);
    x->requests = calloc(2 * (size_t)team->size, sizeof *x->requests);
    if (!x->peers || !x->requests) {
        tile_exchange_destroy(exchange);
        return fail(STATUS_LIMIT, "no memory for exchanges in a team of %d", team->size);
    }
    for (int i = 0; i < 2 * team->size; i++)
        x->requests[i] = MPI_REQUEST_NULL;
    return STATUS_OK;
}

void tile_exchange_destroy(struct tile_exchange **exchange)
{
    struct tile_exchange *x = *exchange;
    if (!x)
        return;
    for (int m = 0; x->peers && m < x->team->size; m++) {
        free(x->peers[m].in);
        free(x->peers[m].out);
    }
    free(x->peers);
    free(x->requests);
    free(x->links);
    free(x->first_link);
    free(x);
    *exchange = NULL;
}

static int parts_of(const struct tile_exchange *x, int rectangle, int holder, struct tile_part parts[TILING_PARTS_MAX])
{
    const struct tile_exchange_layout *l = &x->layout;
    return tiling_parts(&l->rectangles[rectangle], l->width, l->height, l->dy, l->dx, l->rows[holder], parts);
}

static size_t part_floats(const struct tile_part *part)
{
    return 3 * (size_t)part->octave.width * (size_t)part->octave.height;
}

// Floats of the parts of `rectangles` that `holder` holds.
static size_t floats_between(const struct tile_exchange *x, struct span rectangles, int holder)
{
    struct tile_part parts[TILING_PARTS_MAX];
    size_t floats = 0;
    for (int r = rectangles.begin; r < rectangles.end; r++) {
        const int count = parts_of(x, r, holder, parts);
        for (int i = 0; i < count; i++)
            floats += part_floats(&parts[i]);
    }
    return floats;
}

static struct span own_work(const struct tile_exchange *x)
{
    return x->layout.work[x->team->rank];
}

static enum status add_link(struct tile_exchange *x, int count, int member, size_t place)
{
    if ((size_t)count == x->link_room) {
        const size_t room = x->link_room ? 2 * x->link_room : 16;
        struct link *grown = realloc(x->links, room * sizeof *grown);
        if (!grown)
            return fail(STATUS_LIMIT, "no memory for the parts of tiles");
        x->links = grown;
        x->link_room = room;
    }
    x->links[count] = (struct link){member, place};
    return STATUS_OK;
}

// The links of all own rectangles, and in peer->filled the floats that each peer holds of them.
static enum status link_up(struct tile_exchange *x)
{
    const struct span own = own_work(x);
    const size_t rectangles = (size_t)(own.end - own.begin) + 1;
    struct tile_part parts[TILING_PARTS_MAX];
    int count = 0;
    if (rectangles > x->rectangle_room) {
        free(x->first_link);
        x->rectangle_room = 0;
        x->first_link = malloc(rectangles * sizeof *x->first_link);
        if (!x->first_link)
            return fail(STATUS_LIMIT, "no memory for the parts of tiles");
        x->rectangle_room = rectangles;
    }
    for (int m = 0; m < x->team->size; m++)
        x->peers[m].filled = 0;
    for (int r = own.begin; r < own.end; r++) {
        x->first_link[r - own.begin] = count;
        for (int m = 0; m < x->team->size; m++) {
            const int found = m == x->team->rank ? 0 : parts_of(x, r, m, parts);
            if (found == 0)
                continue;
            TRY(add_link(x, count++, m, x->peers[m].filled));
            for (int i = 0; i < found; i++)
                x->peers[m].filled += part_floats(&parts[i]);
        }
    }
    x->first_link[own.end - own.begin] = count;
    return STATUS_OK;
}

static struct span links_of(const struct tile_exchange *x, int rectangle)
{
    const int own = rectangle - own_work(x).begin;
    return (struct span){x->first_link[own], x->first_link[own + 1]};
}

static enum status make_room(float **buffer, size_t *room, size_t count)
{
    if (count > INT_MAX)
        return fail(STATUS_LIMIT, "%zu MiB to exchange between two ranks in a step are more than MPI takes: use smaller tiles",
                    count >> 18);
    if (count <= *room)
        return STATUS_OK;
    free(*buffer);
    *room = 0;
    *buffer = malloc(count * sizeof **buffer);
    if (!*buffer)
        return fail(STATUS_LIMIT, "no memory to exchange %zu MiB with another rank", count >> 18);
    *room = count;
    return STATUS_OK;
}

// Starts a round: sizes, buffers, receives.
static enum status begin(struct tile_exchange *x, const struct tile_exchange_layout *layout, bool gather)
{
    const int me = x->team->rank;
    x->layout = *layout;
    TRY(link_up(x));
    for (int m = 0; m < x->team->size; m++) {
        struct peer *peer = &x->peers[m];
        if (m == me)
            continue;
        const size_t to_work = peer->filled, from_rows = floats_between(x, layout->work[m], me);
        peer->in_count = gather ? to_work : from_rows;
        peer->out_count = gather ? from_rows : to_work;
        peer->filled = 0;
        TRY(make_room(&peer->in, &peer->in_room, peer->in_count));
        TRY(make_room(&peer->out, &peer->out_room, peer->out_count));
        if (peer->in_count > 0)
            TRY(mpi_check(
                MPI_Irecv(peer->in, (int)peer->in_count, MPI_FLOAT, m, gather ? TAG_GATHER : TAG_SCATTER, x->team->comm, &x->requests[m]),
                "receive of tiles"));
    }
    return STATUS_OK;
}

// Between a part's place in a field and a packed or rectangular array.
static void copy_from_field(const struct slab *field, const struct rectangle *at, float *values, size_t plane, size_t row)
{
#pragma omp parallel for collapse(2) schedule(static) if (at->height * at->width > 65536)
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < at->height; y++)
            memcpy(values + (size_t)c * plane + (size_t)y * row, slab_row(field, c, at->y + y) + at->x, (size_t)at->width * sizeof *values);
}

static enum status send_rows(struct tile_exchange *x, int member)
{
    struct tile_part parts[TILING_PARTS_MAX];
    struct peer *peer = &x->peers[member];
    const struct span work = x->layout.work[member];
    float *out = peer->out;
    if (peer->out_count == 0)
        return STATUS_OK;
    for (int r = work.begin; r < work.end; r++) {
        const int count = parts_of(x, r, x->team->rank, parts);
        for (int i = 0; i < count; i++) {
            const struct rectangle *at = &parts[i].octave;
            copy_from_field(x->from, at, out, (size_t)at->height * (size_t)at->width, (size_t)at->width);
            out += part_floats(&parts[i]);
        }
    }
    return mpi_check(
        MPI_Isend(peer->out, (int)peer->out_count, MPI_FLOAT, member, TAG_GATHER, x->team->comm, &x->requests[x->team->size + member]),
        "send of tiles");
}

enum status tile_exchange_gather(struct tile_exchange *x, const struct tile_exchange_layout *layout, const struct slab *from)
{
    x->from = from;
    TRY(begin(x, layout, true));
    // The next member first, so that not all send to the same one.
    for (int k = 1; k < x->team->size; k++)
        TRY(send_rows(x, (x->team->rank + k) % x->team->size));
    return STATUS_OK;
}

bool tile_exchange_is_shared(const struct tile_exchange *x, int rectangle)
{
    const struct span links = links_of(x, rectangle);
    return links.begin < links.end;
}

enum status tile_exchange_arrived(struct tile_exchange *x, int rectangle, bool *arrived)
{
    const struct span links = links_of(x, rectangle);
    *arrived = true;
    for (int i = links.begin; i < links.end; i++) {
        int done = 1;
        TRY(mpi_check(MPI_Test(&x->requests[x->links[i].member], &done, MPI_STATUS_IGNORE), "receive of tiles"));
        *arrived = *arrived && done;
    }
    return STATUS_OK;
}

enum status tile_exchange_progress(struct tile_exchange *x, bool *sent)
{
    const int size = x->team->size;
    int done = 1;
    enum status rc = STATUS_OK;
    if (size > 1) // testing any request moves all
        rc = mpi_check(MPI_Testall(size, x->requests + size, &done, MPI_STATUSES_IGNORE), "exchange of tiles");
    *sent = done != 0;
    return rc;
}

enum status tile_exchange_wait(struct tile_exchange *x, int rectangle)
{
    unsigned idle = 0;
    bool arrived;
    for (;;) {
        TRY(tile_exchange_arrived(x, rectangle, &arrived));
        if (arrived)
            break;
        mpi_pause_moving(&idle);
    }
    return STATUS_OK;
}

void tile_exchange_take(struct tile_exchange *x, int rectangle, float *values)
{
    const struct rectangle *whole = &x->layout.rectangles[rectangle];
    const size_t row = (size_t)whole->width, plane = row * (size_t)whole->height;
    const struct span links = links_of(x, rectangle);
    struct tile_part parts[TILING_PARTS_MAX];
    int count = parts_of(x, rectangle, x->team->rank, parts);
    for (int i = 0; i < count; i++)
        copy_from_field(x->from, &parts[i].octave, values + (size_t)parts[i].y * row + (size_t)parts[i].x, plane, row);
    for (int k = links.begin; k < links.end; k++) {
        const float *in = x->peers[x->links[k].member].in + x->links[k].place;
        count = parts_of(x, rectangle, x->links[k].member, parts);
        for (int i = 0; i < count; i++) {
            const struct rectangle *at = &parts[i].octave;
            float *first = values + (size_t)parts[i].y * row + (size_t)parts[i].x;
            for (int c = 0; c < 3; c++)
                for (int y = 0; y < at->height; y++, in += at->width)
                    memcpy(first + (size_t)c * plane + (size_t)y * row, in, (size_t)at->width * sizeof *in);
        }
    }
}

enum status tile_exchange_scatter(struct tile_exchange *x, const struct tile_exchange_layout *layout, struct slab *to[2])
{
    x->fields[0] = to[0];
    x->fields[1] = to[1];
    return begin(x, layout, false);
}

static struct slab *field_for(const struct tile_exchange *x, int rectangle)
{
    return x->fields[rectangle / x->layout.columns % 2];
}

static void add_patch(struct slab *field, const struct tile_part *part, const struct tile_exchange_patch *patch)
{
    const struct rectangle *at = &part->octave;
    const float *across = patch->across + part->x, *down = patch->down + part->y;
#pragma omp parallel for collapse(2) schedule(static) if (at->height * at->width > 65536)
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < at->height; y++) {
            const float *values = patch->values + (size_t)c * patch->plane + (size_t)(part->y + y) * patch->row + (size_t)part->x;
            float *to = slab_row(field, c, at->y + y) + at->x;
            for (int k = 0; k < at->width; k++)
                to[k] += values[k] * (down[y] * across[k]);
        }
}

static void pack_patch(float *out, const struct tile_part *part, const struct tile_exchange_patch *patch)
{
    const struct rectangle *at = &part->octave;
    const float *across = patch->across + part->x, *down = patch->down + part->y;
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < at->height; y++, out += at->width) {
            const float *values = patch->values + (size_t)c * patch->plane + (size_t)(part->y + y) * patch->row + (size_t)part->x;
            for (int k = 0; k < at->width; k++)
                out[k] = values[k] * (down[y] * across[k]);
        }
}

static void add_packed(struct slab *field, const struct rectangle *at, const float *in)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < at->height; y++, in += at->width) {
            float *to = slab_row(field, c, at->y + y) + at->x;
            for (int k = 0; k < at->width; k++)
                to[k] += in[k];
        }
}

enum status tile_exchange_add(struct tile_exchange *x, int rectangle, const struct tile_exchange_patch *patch)
{
    const struct span links = links_of(x, rectangle);
    struct tile_part parts[TILING_PARTS_MAX];
    int count = parts_of(x, rectangle, x->team->rank, parts);
    for (int i = 0; i < count; i++)
        add_patch(field_for(x, rectangle), &parts[i], patch);
    for (int k = links.begin; k < links.end; k++) {
        const int m = x->links[k].member;
        struct peer *peer = &x->peers[m];
        float *out = peer->out + x->links[k].place;
        count = parts_of(x, rectangle, m, parts);
        for (int i = 0; i < count; i++) {
            pack_patch(out, &parts[i], patch);
            out += part_floats(&parts[i]);
            peer->filled += part_floats(&parts[i]);
        }
        if (peer->filled == peer->out_count) // the last one that concerns this member
            TRY(mpi_check(
                MPI_Isend(peer->out, (int)peer->out_count, MPI_FLOAT, m, TAG_SCATTER, x->team->comm, &x->requests[x->team->size + m]),
                "send of gradients"));
    }
    return STATUS_OK;
}

static void add_received(struct tile_exchange *x, int member)
{
    struct tile_part parts[TILING_PARTS_MAX];
    const struct span work = x->layout.work[member];
    const float *in = x->peers[member].in;
    for (int r = work.begin; r < work.end; r++) {
        const int count = parts_of(x, r, x->team->rank, parts);
        for (int i = 0; i < count; i++) {
            add_packed(field_for(x, r), &parts[i].octave, in);
            in += part_floats(&parts[i]);
        }
    }
}

int64_t tile_exchange_bytes(const struct tile_exchange *x)
{
    size_t floats = 0;
    for (int m = 0; m < x->team->size; m++)
        floats += x->peers[m].in_count + x->peers[m].out_count;
    return (int64_t)(floats * sizeof(float));
}

enum status tile_exchange_end(struct tile_exchange *x)
{
    for (int m = 0; m < x->team->size; m++) {
        struct peer *peer = &x->peers[m];
        if (m == x->team->rank)
            continue;
        TRY(mpi_wait_moving(&x->requests[m]));
        if (x->fields[0] && peer->in_count > 0)
            add_received(x, m);
        assert(!x->fields[0] || peer->filled == peer->out_count); // every rectangle was added
    }
    for (int m = 0; m < x->team->size; m++)
        if (m != x->team->rank)
            TRY(mpi_wait_moving(&x->requests[x->team->size + m]));
    x->fields[0] = x->fields[1] = NULL;
    x->from = NULL;
    return STATUS_OK;
}
