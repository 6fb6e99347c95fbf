// SPDX-License-Identifier: MIT
// Any bytes as a file of the classes' names, then the first of them, a part of it and nothing like it as what is sought.
#include <string.h>

#include "scratch.h"
#include "weights/formats/class_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct class_names names;
    char *text = strndup((const char *)bytes, size);
    int number;
    if (!text)
        abort();
    if (class_names_parse((const char *)bytes, size, &names) == STATUS_OK && names.count > 0) {
        (void)!class_names_find(&names, names.count, names.names[0], &number);
        (void)!class_names_find(&names, names.count, names.names[names.count - 1] + strlen(names.names[names.count - 1]) / 2, &number);
        (void)!class_names_find(&names, names.count, text, &number);
    }
    free(text);
    return 0;
}
