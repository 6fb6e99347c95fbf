// SPDX-License-Identifier: MIT
// Any text as what a file of trained weights holds, one thing a line (recipe.h): the file itself is sound. HDF5 is no judge of bytes that
// it has not written: on those, 1.10 reads beyond its own buffers and runs in circles.
#include "kernels/network/parameters.h"
#include "recipe.h"
#include "scratch.h"
#include "tiny.h"
#include "weights/weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[SCRATCH_PATH];
    struct weights_info info;
    float *weights = malloc(parameters_count(tiny_network()) * sizeof *weights);
    char *text = strndup((const char *)bytes, size);
    if (!weights || !text)
        abort();
    scratch_path(path, ".h5");
    recipe_make(path, text);
    (void)!weights_read(path, tiny_network(), weights, &info);
    unlink(path);
    free(text);
    free(weights);
    return 0;
}
