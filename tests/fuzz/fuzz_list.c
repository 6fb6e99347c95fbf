// SPDX-License-Identifier: MIT
// Any bytes as a list of inputs, and each line, as a path and as a URL, as what a folder is named for.
#include <string.h>

#include "coordinator/intake/intake_list.h"
#include "coordinator/output/folder_names.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// Whatever a name is made of, it is one of folders below the output folder, none of them hidden.
static void claim(struct folder_names *names, char name[FOLDER_NAME_MAX + 1])
{
    if (folder_names_claim(names, name) != STATUS_OK)
        return;
    if (strlen(name) > FOLDER_NAME_MAX)
        abort();
    for (const char *part = name;; part++) {
        if (part[0] == '\0' || part[0] == '.' || part[0] == '/' || strcspn(part, "/") > FOLDER_BASE_MAX)
            abort();
        part += strcspn(part, "/");
        if (!*part)
            break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char path[SCRATCH_PATH], text[FILE_PATH_MAX], name[FOLDER_NAME_MAX + 1];
    struct intake_list list = {0};
    struct folder_names *names;
    bool end = false;
    scratch_path(path, "");
    scratch_write(path, bytes, size);
    if (folder_names_create(&names, "/dev/shm", FOLDERS_TREE) != STATUS_OK || intake_list_open(&list, path, -1) != STATUS_OK)
        abort();
    while (list.stream)
        if (intake_list_next(&list, text, &end) == STATUS_OK && !end) {
            folder_name_of_path(name, text);
            claim(names, name);
            folder_name_of_url(name, text);
            claim(names, name);
        }
    intake_list_close(&list);
    folder_names_destroy(&names);
    unlink(path);
    return 0;
}
