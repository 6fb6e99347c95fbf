// SPDX-License-Identifier: MIT
// Any text as a plan.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/convolution/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct plan plan;
    struct plan_origin origin;
    char *text = strndup((const char *)bytes, size), *back = NULL;
    if (text && plan_from_text(&plan, network_inception_v3(), &origin, text, "fuzz") == STATUS_OK &&
        plan_to_text(&plan, network_inception_v3(), &origin, &back) == STATUS_OK)
        free(back);
    free(text);
    return 0;
}
