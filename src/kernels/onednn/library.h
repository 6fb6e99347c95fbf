// SPDX-License-Identifier: MIT
// oneDNN itself, for the modules of this room.
#pragma once

#include <dnnl.h>
#include <stdbool.h>

#include "common/system/status.h"

// The engine of this process's processors, and a stream that runs each primitive in the calling thread. Made on first use; never NULL.
struct onednn_library {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    char version[32]; // "2.6.3"
};
const struct onednn_library *onednn_library(void);

// STATUS_UNSUPPORTED where oneDNN has no such thing, STATUS_INTERNAL for all else. `what` was tried.
enum status onednn_check(dnnl_status_t status, const char *what) MUST_CHECK;

// Whether oneDNN has nothing but its plain loops for this.
bool onednn_has_reference_only(const_dnnl_primitive_desc_t descriptor);
// Runs it and waits for its end.
enum status onednn_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int count, const dnnl_exec_arg_t *arguments,
                           const char *what) MUST_CHECK;
