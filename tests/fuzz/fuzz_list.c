// SPDX-License-Identifier: MIT
// Any bytes as a list of inputs, and each line as the name of a picture.
#include "coordinator/intake_list.h"
#include "coordinator/intake_names.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[SCRATCH_PATH], text[FILE_PATH_MAX], name[INTAKE_NAME_MAX + 1];
    struct intake_list list = {0};
    bool end = false;
    scratch_path(path, "");
    scratch_write(path, bytes, size);
    if (intake_list_open(&list, path) == STATUS_OK)
        for (int i = 0; i < 1000 && list.stream; i++)
            if (intake_list_next(&list, text, &end) == STATUS_OK && !end) {
                intake_name_of_path(name, text);
                intake_name_of_url(name, text);
            }
    intake_list_close(&list);
    unlink(path);
    return 0;
}
