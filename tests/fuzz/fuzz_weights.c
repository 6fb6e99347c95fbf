// SPDX-License-Identifier: MIT
// Any bytes as a file of trained weights. HDF5 itself is not watched by the sanitizers; what is made of what it says is.
#include "kernels/weights.h"
#include "scratch.h"
#include "tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
const char *__lsan_default_suppressions(void);

// HDF5 1.10 loses a few bytes where it gives up on a damaged file.
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[SCRATCH_PATH];
    struct weights_info info;
    float *weights = malloc(weights_count(tiny_network()) * sizeof *weights);
    if (!weights)
        abort();
    scratch_path(path, ".h5");
    scratch_write(path, bytes, size);
    (void)!weights_read(path, tiny_network(), weights, &info);
    unlink(path);
    free(weights);
    return 0;
}
