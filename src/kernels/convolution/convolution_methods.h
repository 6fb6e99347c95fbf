// SPDX-License-Identifier: MIT
// Inside a convolution: what its methods share. For convolution*.c only.
#pragma once

#include "kernels/convolution/convolution.h"

enum { CONV_WINOGRAD_JOBS = 3 };

struct convolution {
    struct conv_spec spec;
    enum conv_method method;
    int in_blocks, out_blocks; // as it runs; the image as a source has no blocks
    struct simd_out *out;
    size_t scratch_bytes;
    // Each of our own jobs there are is run, the direct one first.
    struct simd_direct *direct;
    struct simd_winograd *winograd[CONV_WINOGRAD_JOBS];
    struct simd_out *partial[CONV_WINOGRAD_JOBS]; // where several jobs add up: the results of the first, of those between, of the last
    struct conv_bands *bands;                     // oneDNN's
};

// The weights that this convolution takes, in the layout that the method wants: the key's winograd, pairs and taps. NULL where there is no
// `cache`.
enum status conv_panels(const struct convolution *c, struct weight_cache *cache, struct weight_key key, const float **panels) MUST_CHECK;

// A direct job without phases.
enum status conv_add_direct(struct convolution *c) MUST_CHECK;

// A method's part of convolution_create(): sees whether it can compute c->spec, and makes the jobs or primitives for it.
enum status conv_winograd_create(struct convolution *c, struct weight_cache *cache) MUST_CHECK;
enum status conv_phases_create(struct convolution *c, struct weight_cache *cache) MUST_CHECK;
enum status conv_onednn_create(struct convolution *c, struct weight_cache *cache) MUST_CHECK;

enum status conv_onednn_bind(struct convolution *c, const void *const *in, void *scratch) MUST_CHECK;
enum status conv_onednn_run(const struct convolution *c) MUST_CHECK;
bool conv_onednn_is_reference(const struct convolution *c);
void conv_onednn_destroy(struct convolution *c);
void conv_winograd_bind(struct convolution *c, const void *const *in, void *scratch);
