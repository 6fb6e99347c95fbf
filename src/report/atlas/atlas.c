// SPDX-License-Identifier: MIT
#include "report/atlas/atlas.h"

#include <stdlib.h>

#include "common/system/log.h"
#include "common/system/text.h"
#include "report/atlas/atlas_file.h"
#include "report/atlas/atlas_page.h"
#include "report/atlas/crops.h"

static enum status find_out(struct atlas_facts *f, const struct config *config)
{
    TRY(run_images_read(f->reader, &f->images));
    TRY(exemplars_find(&f->exemplars, f->reader, &f->images, config));
    for (int t = 0; t < f->exemplars.targets; t++) {
        TRY(run_reader_field(f->reader, t, &f->fields[t]));
        TRY(likeness_find(f->reader, &f->images, t, &f->nearest[t]));
    }
    return run_summary_make(&f->summary, f->reader->path);
}

static enum status cut(const struct atlas_facts *f, const struct config *config)
{
    size_t missing;
    TRY(crops_write(&(struct crops_options){.folder = f->folder,
                                            .exemplars = &f->exemplars,
                                            .fields = f->fields,
                                            .config = config,
                                            .layers = (const char *const *)f->reader->facts.targets.items},
                    &missing));
    if (missing > 0)
        log_warning("%zu picture%s with exemplars could not be read again, and %s grey in the sheets", missing, PLURAL(missing),
                    missing == 1 ? "is" : "are");
    return STATUS_OK;
}

enum status atlas_write(const char *folder)
{
    struct atlas_facts f = {.folder = folder};
    struct config config;
    char word[TEXT_WORD_MAX];
    enum status rc;
    TRY_OUT(run_reader_open(&f.reader, folder));
    if (!run_facts_config(&f.reader->facts, &config))
        TRY_OUT(fail(STATUS_FORMAT, "%s: its settings cannot be read", f.reader->path));
    TRY_OUT(find_out(&f, &config));
    if (config.atlas.exemplars > 0 && f.exemplars.pictures > 0)
        TRY_OUT(cut(&f, &config));
    TRY_OUT(atlas_file_write(&f));
    TRY_OUT(atlas_page_write(&f));
    log_info("the atlas is %s/atlas.html, its numbers are in atlas.h5 beside it", text_word(folder, word));
out:
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(f.nearest[t]);
    exemplars_destroy(&f.exemplars);
    run_summary_destroy(&f.summary);
    run_images_destroy(&f.images);
    run_reader_close(&f.reader);
    return rc;
}
