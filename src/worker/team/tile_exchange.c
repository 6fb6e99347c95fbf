// SPDX-License-Identifier: MIT
#include "worker/team/tile_exchange.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/messages.h"

enum { TAG_GATHER = 1, TAG_SCATTER };

// One member, and the message that goes to it and the one that comes from it in a round: the pieces of rectangles that concern it, in order
// of rectangles, each (3, height, width).
struct peer {
    struct span foreign;        // pieces of its rectangles that lie in this member's rows
    size_t own_floats;          // of this member's rectangles that lie in its rows
    size_t foreign_floats;      // the other way round
    float *in, *out;            // buffers
    size_t in_room, out_room;   // floats allocated
    size_t in_count, out_count; // floats of this round
    size_t filled;              // of out_count, in a scatter
};

// A part of a rectangle that this member works on, or holds rows of, or both.
struct piece {
    struct tile_part part;
    int rectangle;
    int peer;     // who holds it, of this member's rectangles; who works on it, of the others'
    size_t place; // in what is exchanged with the peer
};

struct tile_exchange {
    struct team *team;
    struct tile_exchange_layout layout;
    const struct slab *from; // gather
    struct slab *to[2];      // scatter
    struct peer *peers;      // [team->size]
    MPI_Request *requests;   // [2 * team->size]: receives, sends
    struct piece *pieces;    // of this round: those of own rectangles, by rectangle, then the peers'
    int piece_count, piece_room;
    int *first_piece; // [own rectangles + 1]
    int rectangle_room;
};

enum status tile_exchange_create(struct tile_exchange **exchange, struct team *team)
{
    enum status rc;
    TRY(ALLOCATE(*exchange, 1, "for exchanges in a team of %d", team->size));
    struct tile_exchange *x = *exchange;
    x->team = team;
    TRY_OUT(ALLOCATE(x->peers, team->size, "for exchanges in a team of %d", team->size));
    TRY_OUT(ALLOCATE(x->requests, 2 * team->size, "for exchanges in a team of %d", team->size));
    for (int i = 0; i < 2 * team->size; i++)
        x->requests[i] = MPI_REQUEST_NULL;
out:
    if (rc != STATUS_OK)
        tile_exchange_destroy(exchange);
    return rc;
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
    free(x->pieces);
    free(x->first_piece);
    free(x);
    *exchange = NULL;
}

static struct span work_of(const struct tile_exchange *x, int member)
{
    return tiling_share(x->layout.count, x->team->size, member);
}

// Adds the pieces of a rectangle that `holder` has; *floats counts those of all pieces that are exchanged with the peer.
static enum status add_pieces(struct tile_exchange *x, int rectangle, int holder, int peer, size_t *floats)
{
    const struct tile_exchange_layout *l = &x->layout;
    const struct span rows = tiling_grown(tiling_rows(l->height, x->team->size, holder), l->margin, l->height);
    struct tile_part parts[TILING_PARTS_MAX];
    const int count = tiling_parts(&l->rectangles[rectangle], l->width, l->height, l->dy, l->dx, rows, parts);
    if (x->piece_count + count > x->piece_room) {
        const int room = 2 * x->piece_room + TILING_PARTS_MAX;
        struct piece *grown = realloc(x->pieces, (size_t)room * sizeof *grown);
        if (!grown)
            return no_memory("for the parts of tiles");
        x->pieces = grown;
        x->piece_room = room;
    }
    for (int i = 0; i < count; i++) {
        x->pieces[x->piece_count++] = (struct piece){parts[i], rectangle, peer, *floats};
        *floats += 3 * (size_t)parts[i].octave.width * (size_t)parts[i].octave.height;
    }
    return STATUS_OK;
}

static enum status list_pieces(struct tile_exchange *x)
{
    const int me = x->team->rank;
    const struct span own = work_of(x, me);
    if (own.end - own.begin >= x->rectangle_room) {
        free(x->first_piece);
        x->rectangle_room = 0;
        TRY(ALLOCATE(x->first_piece, own.end - own.begin + 1, "for the parts of tiles"));
        x->rectangle_room = own.end - own.begin + 1;
    }
    x->piece_count = 0;
    for (int m = 0; m < x->team->size; m++)
        x->peers[m].own_floats = x->peers[m].foreign_floats = 0;
    for (int r = own.begin; r < own.end; r++) {
        x->first_piece[r - own.begin] = x->piece_count;
        for (int m = 0; m < x->team->size; m++)
            TRY(add_pieces(x, r, m, m, &x->peers[m].own_floats));
    }
    x->first_piece[own.end - own.begin] = x->piece_count;
    for (int m = 0; m < x->team->size; m++) {
        struct peer *peer = &x->peers[m];
        const struct span work = m == me ? (struct span){0, 0} : work_of(x, m);
        peer->foreign.begin = x->piece_count;
        for (int r = work.begin; r < work.end; r++)
            TRY(add_pieces(x, r, me, m, &peer->foreign_floats));
        peer->foreign.end = x->piece_count;
    }
    return STATUS_OK;
}

// The pieces of one of this member's own rectangles.
static struct span pieces_of(const struct tile_exchange *x, int rectangle)
{
    const int *first = x->first_piece + (rectangle - work_of(x, x->team->rank).begin);
    return (struct span){first[0], first[1]};
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
    TRY(ALLOCATE(*buffer, count, "to exchange %zu MiB with another rank", count >> 18));
    *room = count;
    return STATUS_OK;
}

// Starts a round: sizes, buffers, receives.
static enum status begin(struct tile_exchange *x, const struct tile_exchange_layout *layout, bool gather)
{
    x->layout = *layout;
    TRY(list_pieces(x));
    for (int m = 0; m < x->team->size; m++) {
        struct peer *peer = &x->peers[m];
        if (m == x->team->rank)
            continue;
        peer->in_count = gather ? peer->own_floats : peer->foreign_floats;
        peer->out_count = gather ? peer->foreign_floats : peer->own_floats;
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

static enum status send(struct tile_exchange *x, int member, int tag)
{
    const struct peer *peer = &x->peers[member];
    return mpi_check(
        MPI_Isend(peer->out, (int)peer->out_count, MPI_FLOAT, member, tag, x->team->comm, &x->requests[x->team->size + member]),
        "send of tiles");
}

// A piece's values wherever they lie: value(c, y, x) = first[c * plane + y * row + x].
struct block {
    float *first;
    size_t plane, row;
};

static struct block in_slab(const struct slab *slab, const struct piece *piece)
{
    const struct rectangle *at = &piece->part.octave;
    return (struct block){slab_row(slab, 0, at->y) + at->x, slab_plane(slab), (size_t)slab->width};
}

static struct block in_message(float *values, const struct piece *piece)
{
    const size_t row = (size_t)piece->part.octave.width;
    return (struct block){values + piece->place, row * (size_t)piece->part.octave.height, row};
}

static struct block in_rectangle(const float *values, size_t plane, size_t row, const struct piece *piece)
{
    return (struct block){(float *)values + (size_t)piece->part.y * row + (size_t)piece->part.x, plane, row};
}

static void copy(const struct piece *piece, struct block to, struct block from)
{
    const int width = piece->part.octave.width, height = piece->part.octave.height;
#pragma omp parallel for collapse(2) schedule(static) if (height * width > 65536)
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++)
            memcpy(to.first + (size_t)c * to.plane + (size_t)y * to.row, from.first + (size_t)c * from.plane + (size_t)y * from.row,
                   (size_t)width * sizeof(float));
}

// to += from, weighted where there is a patch.
static void add(const struct piece *piece, struct block to, struct block from, const struct tile_exchange_patch *patch)
{
    const int width = piece->part.octave.width, height = piece->part.octave.height;
    const float *across = patch ? patch->across + piece->part.x : NULL, *down = patch ? patch->down + piece->part.y : NULL;
#pragma omp parallel for collapse(2) schedule(static) if (height * width > 65536)
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < height; y++) {
            float *out = to.first + (size_t)c * to.plane + (size_t)y * to.row;
            const float *in = from.first + (size_t)c * from.plane + (size_t)y * from.row;
            if (patch)
                for (int k = 0; k < width; k++)
                    out[k] += in[k] * (down[y] * across[k]);
            else
                for (int k = 0; k < width; k++)
                    out[k] += in[k];
        }
}

enum status tile_exchange_gather(struct tile_exchange *x, const struct tile_exchange_layout *layout, const struct slab *from)
{
    x->from = from;
    TRY(begin(x, layout, true));
    // The next member first, so that not all send to the same one.
    for (int k = 1; k < x->team->size; k++) {
        const int m = (x->team->rank + k) % x->team->size;
        struct peer *peer = &x->peers[m];
        for (int i = peer->foreign.begin; i < peer->foreign.end; i++)
            copy(&x->pieces[i], in_message(peer->out, &x->pieces[i]), in_slab(from, &x->pieces[i]));
        if (peer->out_count > 0)
            TRY(send(x, m, TAG_GATHER));
    }
    return STATUS_OK;
}

bool tile_exchange_is_shared(const struct tile_exchange *x, int rectangle)
{
    const struct span pieces = pieces_of(x, rectangle);
    bool shared = false;
    for (int i = pieces.begin; i < pieces.end; i++)
        shared = shared || x->pieces[i].peer != x->team->rank;
    return shared;
}

enum status tile_exchange_arrived(struct tile_exchange *x, int rectangle, bool *arrived)
{
    const struct span pieces = pieces_of(x, rectangle);
    *arrived = true;
    for (int i = pieces.begin; i < pieces.end; i++) {
        int done = 1;
        if (x->pieces[i].peer != x->team->rank)
            TRY(mpi_check(MPI_Test(&x->requests[x->pieces[i].peer], &done, MPI_STATUS_IGNORE), "receive of tiles"));
        *arrived = *arrived && done;
    }
    return STATUS_OK;
}

// Not by MPI_Testall(): what MPICH ignores statuses by is an address at which gcc 12 warns of an array without room.
enum status tile_exchange_progress(struct tile_exchange *x, bool *sent)
{
    const int size = x->team->size;
    *sent = true;
    for (int i = 0; size > 1 && i < size; i++) { // testing any request moves all
        int done = 0;
        TRY(mpi_check(MPI_Test(&x->requests[size + i], &done, MPI_STATUS_IGNORE), "exchange of tiles"));
        *sent = *sent && done;
    }
    return STATUS_OK;
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
    const struct span pieces = pieces_of(x, rectangle);
    for (int i = pieces.begin; i < pieces.end; i++) {
        const struct piece *piece = &x->pieces[i];
        const bool mine = piece->peer == x->team->rank;
        copy(piece, in_rectangle(values, plane, row, piece), mine ? in_slab(x->from, piece) : in_message(x->peers[piece->peer].in, piece));
    }
}

enum status tile_exchange_scatter(struct tile_exchange *x, const struct tile_exchange_layout *layout, struct slab *to[2])
{
    x->to[0] = to[0];
    x->to[1] = to[1];
    TRY(begin(x, layout, false));
    for (int m = 0; m < x->team->size; m++)
        if (x->peers[m].out_count > 0)
            memset(x->peers[m].out, 0, x->peers[m].out_count * sizeof(float));
    return STATUS_OK;
}

static const struct slab *slab_for(const struct tile_exchange *x, int rectangle)
{
    return x->to[rectangle / x->layout.columns % 2];
}

enum status tile_exchange_add(struct tile_exchange *x, int rectangle, const struct tile_exchange_patch *patch)
{
    const struct span pieces = pieces_of(x, rectangle);
    for (int i = pieces.begin; i < pieces.end; i++) {
        const struct piece *piece = &x->pieces[i];
        struct peer *peer = &x->peers[piece->peer];
        const bool mine = piece->peer == x->team->rank;
        add(piece, mine ? in_slab(slab_for(x, rectangle), piece) : in_message(peer->out, piece),
            in_rectangle(patch->values, patch->plane, patch->row, piece), patch);
        peer->filled += 3 * (size_t)piece->part.octave.width * (size_t)piece->part.octave.height;
        if (!mine && peer->filled == peer->out_count) // the last one that concerns this member
            TRY(send(x, piece->peer, TAG_SCATTER));
    }
    return STATUS_OK;
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
    const bool scattered = x->to[0];
    for (int m = 0; m < x->team->size; m++) {
        const struct peer *peer = &x->peers[m];
        if (m == x->team->rank)
            continue;
        TRY(mpi_wait_moving(&x->requests[m]));
        for (int i = peer->foreign.begin; scattered && i < peer->foreign.end; i++) {
            const struct piece *piece = &x->pieces[i];
            add(piece, in_slab(slab_for(x, piece->rectangle), piece), in_message(peer->in, piece), NULL);
        }
        assert(!scattered || peer->filled == peer->out_count); // every rectangle was added
        TRY(mpi_wait_moving(&x->requests[x->team->size + m]));
    }
    x->to[0] = x->to[1] = NULL;
    x->from = NULL;
    return STATUS_OK;
}
