// SPDX-License-Identifier: MIT
// Any bytes as a .safetensors file.
#include "scratch.h"
#include "tiny.h"
#include "weights/formats/safetensors.h"
#include "weights/torch_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct stored_tensors tensors = {0};
    struct keras_model model = {0};
    if (safetensors_read(bytes, size, &tensors) == STATUS_OK)
        (void)!torch_layout_model(&tensors, tiny_network(), &model);
    keras_model_free(&model);
    stored_tensors_free(&tensors);
    return 0;
}
