// SPDX-License-Identifier: MIT
#include "report/atlas/atlas.h"

#include <stdlib.h>

#include "common/system/folder_lock.h"
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

static enum status cut(struct atlas_facts *f, const struct config *config, const struct config *fetching)
{
    return crops_write(&(struct crops_options){.folder = f->folder,
                                               .exemplars = &f->exemplars,
                                               .fields = f->fields,
                                               .config = config,
                                               .fetching = fetching,
                                               .layers = (const char *const *)f->reader->facts.targets.items});
}

static enum status make(struct atlas_facts *f, const struct config *fetching)
{
    struct config config;
    char word[TEXT_WORD_MAX];
    TRY(run_reader_open(&f->reader, f->folder));
    if (!run_facts_config(&f->reader->facts, &config))
        return fail(STATUS_FORMAT, "%s: its settings cannot be read", f->reader->path);
    if (!f->reader->facts.complete)
        return fail(STATUS_IO, "%s has not got all rows: no atlas is made of it; the same command goes on with it", f->reader->path);
    TRY(find_out(f, &config));
    if (config.atlas.exemplars > 0 && f->exemplars.pictures > 0)
        TRY(cut(f, &config, fetching));
    TRY(atlas_file_write(f));
    TRY(atlas_page_write(f));
    log_info("the atlas is %s/atlas.html, its numbers are in atlas.h5 beside it", text_word(f->folder, word));
    return STATUS_OK;
}

enum status atlas_write(const char *folder, const struct config *fetching)
{
    struct atlas_facts f = {.folder = folder};
    struct folder_lock lock = {0};
    struct folder_lock_keeper keeper;
    enum status rc;
    TRY(folder_lock_take(&lock, folder)); // the run has let it go
    folder_lock_keep(&keeper, &lock);
    rc = make(&f, fetching);
    if (rc == STATUS_OK)
        rc = folder_lock_keep_end(&keeper);
    else
        (void)!folder_lock_keep_end(&keeper);
    folder_lock_release(&lock);
    for (int t = 0; t < CONFIG_TARGETS_MAX; t++)
        free(f.nearest[t]);
    exemplars_destroy(&f.exemplars);
    run_summary_destroy(&f.summary);
    run_images_destroy(&f.images);
    run_reader_close(&f.reader);
    return rc;
}
