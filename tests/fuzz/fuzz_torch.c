// SPDX-License-Identifier: MIT
// Any bytes as the pickle of a .pth whose storages 0 to 3 are there; or, where they begin so, as a whole file of the older kind.
#include "scratch.h"
#include "tiny.h"
#include "weights/formats/torch_file.h"
#include "weights/torch_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static unsigned char values[72]; // of the kernel of three channels; float32
    struct zip_entry entries[] = {{"a/data.pkl", (unsigned char *)bytes, size},
                                  {"a/data/0", values, 72},
                                  {"a/data/1", values, 8},
                                  {"a/data/2", values, 16},
                                  {"a/data/3", values, 24}};
    const struct zip_file zip = {sizeof entries / sizeof entries[0], entries};
    struct stored_tensors tensors = {0};
    struct keras_model model = {0};
    const enum status rc = torch_legacy_begins(bytes, size) ? torch_legacy_read(bytes, size, &tensors) : torch_zip_read(&zip, &tensors);
    if (rc == STATUS_OK)
        (void)!torch_layout_model(&tensors, tiny_network(), &model);
    keras_model_free(&model);
    stored_tensors_free(&tensors);
    return 0;
}
