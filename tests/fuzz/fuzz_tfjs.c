// SPDX-License-Identifier: MIT
// Any bytes as a TensorFlow.js model: its model.json, a NUL, and its only shard, called s. Wrapped as JavaScript unless it begins as JSON
// does.
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "scratch.h"
#include "weights/tfjs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char folder[SCRATCH_PATH], model[SCRATCH_PATH], shard[SCRATCH_PATH], out[SCRATCH_PATH];
    const uint8_t *end = memchr(bytes, '\0', size);
    if (!end)
        return 0;
    const bool plain = bytes[0] == '{';
    scratch_path(folder, "");
    scratch_path(model, plain ? "/model.json" : "/model.min.js");
    scratch_path(shard, plain ? "/s" : "/s.min.js");
    scratch_path(out, "/out.h5");
    mkdir(folder, 0700);
    scratch_write(model, bytes, (size_t)(end - bytes));
    scratch_write(shard, end + 1, size - (size_t)(end - bytes) - 1);
    (void)!tfjs_import(folder, "fuzz", out);
    unlink(model);
    unlink(shard);
    rmdir(folder);
    return 0;
}
