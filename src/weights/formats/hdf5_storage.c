// SPDX-License-Identifier: MIT
#include "weights/formats/hdf5_storage.h"

#include <stdbool.h>
#include <zlib.h>

#include "common/hdf5/hdf5_datasets.h"
#include "common/hdf5/hdf5_file.h"
#include "common/system/text.h"

enum { FILTERS_MAX = 3, CHECKSUM_BYTES = 4, ZLIB_LEAST = 8 }; // bytes of what zlib packs
static const hsize_t CHUNK_BYTES_MAX = (hsize_t)64 << 20;     // HDF5 holds a whole chunk in memory
static const hsize_t CHUNKS_MAX = 4096;                       // HDF5 finds one by going through all

struct storage {
    hid_t dataset;
    int rank; // 0: not in chunks
    const hsize_t *dims;
    hsize_t chunk[HDF5_RANK_MAX], count; // of chunks
    size_t bytes;                        // of a chunk
    int filter_count;
    H5Z_filter_t filters[FILTERS_MAX]; // in the order of packing
};

// Other filters would be loaded from wherever HDF5's path of plugins leads.
static enum status take_filters(hid_t list, struct storage *s)
{
    const int count = H5Pget_nfilters(list);
    if (count < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    for (int i = 0; i < count; i++) {
        unsigned flags;
        size_t values = 0;
        char name[32] = "";
        const H5Z_filter_t filter = H5Pget_filter2(list, (unsigned)i, &flags, &values, NULL, sizeof name, name, NULL);
        text_make_printable(name);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
            return fail(STATUS_UNSUPPORTED, "it is packed by HDF5's filter %d%s%s, which is not read: deflate, shuffle and fletcher32 are",
                        (int)filter, *name ? ", " : "", name);
        for (int j = 0; j < i; j++)
            if (s->filters[j] == filter)
                return fail(STATUS_UNSUPPORTED, "it is packed twice by HDF5's filter %d", (int)filter);
        s->filters[s->filter_count++] = filter;
    }
    return STATUS_OK;
}

static enum status take_chunks(hid_t list, int rank, size_t value_bytes, struct storage *s)
{
    unsigned options = 0;
    s->rank = H5Pget_chunk(list, HDF5_RANK_MAX, s->chunk);
    if (s->rank < 0 || H5Pget_chunk_opts(list, &options) < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    if (s->rank != rank || rank > HDF5_RANK_MAX)
        return fail(STATUS_FORMAT, "its chunks have %d dimensions, it has %d", s->rank, rank);
    if (s->filter_count > 0 && options != 0)
        return fail(STATUS_UNSUPPORTED, "the chunks at its edges are packed otherwise than the others");
    hsize_t bytes = value_bytes;
    s->count = 1;
    for (int i = 0; i < rank; i++) {
        bytes = s->chunk[i] > CHUNK_BYTES_MAX / bytes ? CHUNK_BYTES_MAX + 1 : bytes * s->chunk[i];
        const hsize_t along = s->dims[i] / s->chunk[i] + (s->dims[i] % s->chunk[i] != 0);
        s->count = along > CHUNKS_MAX ? CHUNKS_MAX + 1 : s->count * along;
        if (bytes > CHUNK_BYTES_MAX)
            return fail(STATUS_LIMIT, "its chunks are larger than %llu bytes", (unsigned long long)CHUNK_BYTES_MAX);
        if (s->count > CHUNKS_MAX)
            return fail(STATUS_LIMIT, "it has more than %llu chunks", (unsigned long long)CHUNKS_MAX);
    }
    s->bytes = (size_t)bytes;
    return STATUS_OK;
}

// Whether all values were written: HDF5 reads zeros where they were not.
static enum status check_written(const struct storage *s, size_t value_bytes)
{
    H5D_space_status_t written;
    hsize_t have = 0;
    HDF5_HANDLE space = H5Dget_space(s->dataset);
    const hssize_t values = space < 0 ? -1 : H5Sget_simple_extent_npoints(space);
    const bool all = s->rank > 0 ? space >= 0 && H5Dget_num_chunks(s->dataset, space, &have) >= 0 && have == s->count
                                 : values >= 0 && H5Dget_space_status(s->dataset, &written) >= 0 && written == H5D_SPACE_STATUS_ALLOCATED &&
                                       H5Dget_storage_size(s->dataset) / value_bytes >= (hsize_t)values;
    return all ? STATUS_OK : fail(STATUS_FORMAT, "some of its values were never written");
}

// Whether a stream of zlib unpacks to `want` bytes, no more and no less.
static enum status check_deflated(unsigned char *bytes, size_t size, size_t want)
{
    unsigned char piece[1 << 14]; // nobody looks at it
    z_stream stream = {.next_in = bytes, .avail_in = (uInt)size};
    if (inflateInit(&stream) != Z_OK)
        return no_memory("to unpack a chunk");
    int state = Z_OK;
    while (state == Z_OK && stream.total_out <= want) {
        stream.next_out = piece;
        stream.avail_out = sizeof piece;
        state = inflate(&stream, Z_NO_FLUSH);
    }
    const bool whole = state == Z_STREAM_END && stream.total_out == want && stream.avail_in == 0;
    inflateEnd(&stream);
    return whole ? STATUS_OK : fail(STATUS_FORMAT, "a chunk is damaged: it does not unpack to its %zu bytes", want);
}

static enum status check_chunk(const struct storage *s, const hsize_t *at)
{
    unsigned skipped = 0;
    haddr_t address;
    hsize_t raw = 0;
    size_t unpacked = s->bytes, behind = 0; // before deflate came, and behind what it made
    bool deflated = false;
    if (H5Dget_chunk_info_by_coord(s->dataset, at, &skipped, &address, &raw) < 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    for (int i = 0; i < s->filter_count; i++) {
        const bool used = (skipped >> i & 1) == 0;
        if (used && s->filters[i] == H5Z_FILTER_FLETCHER32)
            *(deflated ? &behind : &unpacked) += CHECKSUM_BYTES;
        deflated |= used && s->filters[i] == H5Z_FILTER_DEFLATE;
    }
    if (!deflated)
        return raw == unpacked ? STATUS_OK
                               : fail(STATUS_FORMAT, "a chunk is damaged: it has %llu bytes, not %zu", (unsigned long long)raw, unpacked);
    // What deflate cannot make smaller it makes a little larger.
    if (raw < behind + ZLIB_LEAST || raw > behind + unpacked + unpacked / 8 + 1024)
        return fail(STATUS_FORMAT, "a chunk is damaged: %zu bytes are not packed into %llu", unpacked, (unsigned long long)raw);
    unsigned char *bytes;
    TRY(ALLOCATE(bytes, raw + 1, "for a chunk of %llu bytes", (unsigned long long)raw));
    const bool read = H5Dread_chunk(s->dataset, H5P_DEFAULT, at, &skipped, bytes) >= 0;
    const enum status rc = read ? check_deflated(bytes, (size_t)raw - behind, unpacked) : fail(STATUS_FORMAT, "%s", hdf5_reason());
    free(bytes);
    return rc;
}

enum status hdf5_storage_check(hid_t dataset, int rank, const hsize_t *dims)
{
    struct storage s = {.dataset = dataset, .dims = dims};
    hsize_t at[HDF5_RANK_MAX] = {0};
    HDF5_HANDLE list = H5Dget_create_plist(dataset);
    HDF5_HANDLE type = H5Dget_type(dataset);
    const H5D_layout_t layout = list < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(list);
    const size_t value_bytes = type < 0 ? 0 : H5Tget_size(type);
    if (layout == H5D_LAYOUT_ERROR || value_bytes == 0)
        return fail(STATUS_FORMAT, "%s", hdf5_reason());
    if (layout == H5D_VIRTUAL || H5Pget_external_count(list) != 0)
        return fail(STATUS_FORMAT, "its values lie in other files");
    TRY(take_filters(list, &s));
    if (layout == H5D_CHUNKED)
        TRY(take_chunks(list, rank, value_bytes, &s));
    TRY(check_written(&s, value_bytes));
    for (hsize_t i = 0; s.rank > 0 && i < s.count; i++) {
        TRY(check_chunk(&s, at));
        for (int d = s.rank - 1; d >= 0 && (at[d] += s.chunk[d]) >= dims[d]; d--)
            at[d] = 0;
    }
    return STATUS_OK;
}
