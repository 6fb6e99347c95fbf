// SPDX-License-Identifier: MIT
// Any bytes as a file of trained weights. HDF5 itself is not watched by the sanitizers; what is made of what it says is.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernels/keras_reader.h"
#include "kernels/network.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[64];
    struct keras_reader *reader = NULL;
    snprintf(path, sizeof path, "/tmp/oneiros-fuzz-%d.h5", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file)
        abort();
    if (fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
    (void)!keras_open(&reader, path, network_inception_v3());
    keras_close(&reader);
    unlink(path);
    return 0;
}
