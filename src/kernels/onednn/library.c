// SPDX-License-Identifier: MIT
#include "kernels/onednn/library.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct onednn_library library;

static void start(void)
{
    if (dnnl_engine_create(&library.engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&library.stream, library.engine, dnnl_stream_default_flags) != dnnl_success)
        abort(); // the CPU engine has no way to fail but memory
    const dnnl_version_t *v = dnnl_version();
    snprintf(library.version, sizeof library.version, "%d.%d.%d", v->major, v->minor, v->patch);
}

const struct onednn_library *onednn_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    return &library;
}

enum status onednn_check(dnnl_status_t status, const char *what)
{
    static const char *const names[] = {"success",       "out of memory", "invalid arguments", "unimplemented",
                                        "iterator ends", "runtime error", "not required"};
    if (status == dnnl_success)
        return STATUS_OK;
    const char *name = (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "unknown error";
    return fail(status == dnnl_unimplemented ? STATUS_UNSUPPORTED : STATUS_INTERNAL, "oneDNN: %s: %s", what, name);
}

bool onednn_has_reference_only(const_dnnl_primitive_desc_t descriptor)
{
    const char *name = NULL;
    dnnl_primitive_desc_query(descriptor, dnnl_query_impl_info_str, 0, &name);
    return !name || strncmp(name, "ref", 3) == 0;
}

enum status onednn_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream, int count, const dnnl_exec_arg_t *arguments,
                           const char *what)
{
    TRY(onednn_check(dnnl_primitive_execute(primitive, stream, count, arguments), what));
    return onednn_check(dnnl_stream_wait(stream), what);
}
