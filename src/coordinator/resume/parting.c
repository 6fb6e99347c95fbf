// SPDX-License-Identifier: MIT
#include "coordinator/resume/parting.h"

#include <string.h>
#include <unistd.h>

#include "coordinator/output/folder_links.h"

// Whether the files of the first one are, so far, those of its bytes, and this one's links lead to them.
static bool has_links(const char *output, const struct run_image *image, const struct run_image *first)
{
    char path[FILE_PATH_MAX];
    return first->status == IMAGE_DONE && !first->earlier && strcmp(first->sha256, image->sha256) == 0 && image->output[0] &&
           file_join(path, output, image->output) == STATUS_OK && access(path, F_OK) == 0;
}

// What has another one's files is done as long as that one is, and has the same bytes.
void parting_look(struct resume *r, const char *output)
{
    struct resume_counts *counts = &r->counts;
    for (size_t i = 0; i < r->past.count; i++) {
        struct run_image *image = &r->past.items[i];
        struct resume_image *mine = &r->images[i];
        if (!image->same || !mine->done)
            continue;
        const struct known_image *known = known_images_find(&r->known, image->same - 1);
        const size_t first = known ? (size_t)(known - r->known.items) : i;
        if (first != i && r->images[first].done && strcmp(r->past.items[first].sha256, image->sha256) == 0)
            continue;
        mine->parted = first != i && has_links(output, image, &r->past.items[first]);
        if (mine->parted && (mine->missing || !mine->named)) {
            image->same = 0;
            continue;
        }
        *(mine->missing ? &counts->gone : mine->named ? &counts->done : &counts->unnamed) -= 1;
        counts->lost++;
        mine->done = mine->missing = false;
    }
}

bool parting_is_own(void *resume, int64_t image)
{
    const struct resume *r = resume;
    const struct known_image *known = known_images_find(&r->known, image);
    const struct resume_image *found = known ? &r->images[known - r->known.items] : NULL;
    return found && found->done && found->parted;
}

enum status parting_make(const struct resume *r, const char *output)
{
    for (size_t i = 0; i < r->past.count; i++)
        if (r->images[i].parted)
            TRY(folder_links_end(output, r->past.items[i].output));
    return STATUS_OK;
}
