// SPDX-License-Identifier: MIT
#include "report/page_parts.h"

#include <string.h>

#include "report/page_data.h"

static enum status write_parts(FILE *stream, const struct asset *html, const struct page_part *parts, size_t count, const json_t *json)
{
    const char *at = (const char *)html->bytes;
    for (size_t i = 0; i < count; i++) {
        const char *mark = strstr(at, parts[i].mark);
        if (!mark)
            return fail(STATUS_INTERNAL, "%s has no %s", html->name, parts[i].mark);
        fwrite(at, 1, (size_t)(mark - at), stream);
        if (parts[i].asset)
            fwrite(parts[i].asset->bytes, 1, parts[i].asset->size, stream);
        else
            TRY(page_data_write(json, stream));
        at = mark + strlen(parts[i].mark);
    }
    fputs(at, stream);
    return STATUS_OK;
}

enum status page_parts_write(const char *path, const struct asset *html, const struct page_part *parts, size_t count, const json_t *json)
{
    struct file_writer writer = {0};
    enum status rc;
    TRY_OUT(json ? file_create(&writer, path) : no_memory("for the data of a page"));
    TRY_OUT(write_parts(writer.stream, html, parts, count, json));
    rc = file_commit(&writer);
out:
    file_abandon(&writer);
    return rc;
}
