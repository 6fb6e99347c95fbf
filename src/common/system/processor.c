// SPDX-License-Identifier: MIT
#include "common/system/processor.h"

#include <stdio.h>

void processor_name(const char *cpuinfo, char name[PROCESSOR_NAME_MAX])
{
    FILE *stream = fopen(cpuinfo, "re");
    char line[256], maker[16] = "", core[16] = "";
    snprintf(name, PROCESSOR_NAME_MAX, "unknown");
    while (stream && !*core && fgets(line, sizeof line, stream)) {
        if (sscanf(line, "model name : %63[^\n]", name) == 1)
            break;
        sscanf(line, "CPU implementer : %15s", maker);
        if (sscanf(line, "CPU part : %15s", core) == 1)
            snprintf(name, PROCESSOR_NAME_MAX, "Arm %s %s", maker, core);
    }
    if (stream)
        fclose(stream);
}
