// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_list.h"

#include <errno.h>
#include <string.h>

enum status intake_list_open(struct intake_list *list, const char *path)
{
    *list = (struct intake_list){.stream = fopen(path, "re")};
    return list->stream ? STATUS_OK : fail(STATUS_IO, "cannot read the list: %s", strerror(errno));
}

void intake_list_close(struct intake_list *list)
{
    if (list->stream)
        fclose(list->stream);
    list->stream = NULL;
}

// One line without its end, cut to what fits: *length is that of the whole line. False at the end of the file.
static bool read_line(FILE *stream, char text[FILE_PATH_MAX], size_t *length, bool *has_nul)
{
    int c;
    *length = 0;
    *has_nul = false;
    while ((c = getc_unlocked(stream)) != EOF && c != '\n' && !*has_nul) {
        *has_nul = c == '\0';
        if (*length < FILE_PATH_MAX - 1)
            text[*length] = (char)c;
        ++*length;
    }
    text[*length < FILE_PATH_MAX ? *length : FILE_PATH_MAX - 1] = '\0';
    return c != EOF || *length > 0;
}

static void trim(char *text, bool first)
{
    static const char blanks[] = " \t\r\v\f";
    static const char mark[] = "\xef\xbb\xbf"; // the byte order mark that some editors put first
    const char *start = first && !strncmp(text, mark, 3) ? text + 3 : text;
    start += strspn(start, blanks);
    size_t length = strlen(start);
    while (length > 0 && strchr(blanks, start[length - 1]))
        length--;
    memmove(text, start, length);
    text[length] = '\0';
}

enum status intake_list_next(struct intake_list *list, char text[FILE_PATH_MAX], bool *end)
{
    enum status rc = STATUS_OK;
    bool has_nul;
    size_t length;
    *end = false;
    while (read_line(list->stream, text, &length, &has_nul)) {
        list->line++;
        if (has_nul) {
            rc = fail(STATUS_FORMAT, "line %lld holds a NUL byte: this is not a list", (long long)list->line);
            goto close;
        }
        trim(text, list->line == 1);
        if (text[0] == '#' || (!text[0] && length < FILE_PATH_MAX))
            continue;
        if (length >= FILE_PATH_MAX)
            return fail(STATUS_LIMIT, "line %lld is longer than %d bytes", (long long)list->line, FILE_PATH_MAX - 1);
        return STATUS_OK;
    }
    if (ferror(list->stream))
        rc = fail(STATUS_IO, "cannot read the list after line %lld: %s", (long long)list->line, strerror(errno));
    else
        *end = true;
close:
    intake_list_close(list);
    return rc;
}
