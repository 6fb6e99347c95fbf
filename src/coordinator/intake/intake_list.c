// SPDX-License-Identifier: MIT
#include "coordinator/intake/intake_list.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/clock.h"
#include "common/system/log.h"
#include "common/system/stop_request.h"

static const double say_so_after = 10; // seconds without a word

// Whether this is standard input.
static bool is_standard_input(const char *path)
{
    static const char *const names[] = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(path, names[i]) == 0)
            return true;
    return false;
}

// A file's last byte says what is between names; where it cannot be had a line ends as a line does.
static char separator_of(int descriptor)
{
    struct stat info;
    char last = '\n';
    if (fstat(descriptor, &info) != 0 || info.st_size == 0 || pread(descriptor, &last, 1, info.st_size - 1) != 1)
        return '\n';
    return last ? '\n' : '\0';
}

enum status intake_list_open(struct intake_list *list, const char *path, int copy)
{
    char name[32]; // opened anew, so that each reader has a place of its own
    snprintf(name, sizeof name, "/proc/self/fd/%d", copy);
    *list = (struct intake_list){.stream = fopen(copy >= 0 ? name : is_standard_input(path) ? "/dev/stdin" : path, "re")};
    if (!list->stream)
        return fail(STATUS_IO, "cannot read the list: %s", strerror(errno));
    list->end = separator_of(fileno(list->stream));
    return STATUS_OK;
}

void intake_list_close(struct intake_list *list)
{
    if (list->stream)
        fclose(list->stream);
    list->stream = NULL;
}

// One line without its end, cut to what fits: *length is that of the whole line. False at the end of the file.
static bool read_line(struct intake_list *list, char text[FILE_PATH_MAX], size_t *length, bool *has_nul)
{
    int c;
    *length = 0;
    *has_nul = false;
    while ((c = getc_unlocked(list->stream)) != EOF && c != list->end && !*has_nul) {
        *has_nul = c == '\0';
        if (*length < FILE_PATH_MAX - 1)
            text[*length] = (char)c;
        ++*length;
    }
    text[*length < FILE_PATH_MAX ? *length : FILE_PATH_MAX - 1] = '\0';
    *has_nul = *has_nul || (c == '\0' && *length == 0); // no name at all
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
    const char *what = list->end ? "line" : "name";
    enum status rc = STATUS_OK;
    bool has_nul;
    size_t length;
    *end = false;
    while (read_line(list, text, &length, &has_nul)) {
        list->line++;
        if (has_nul) {
            rc = fail(STATUS_FORMAT,
                      list->end ? "line %lld holds a NUL byte: this is not a list (one with NULs ends with one)"
                                : "name %lld is empty: this is not a list",
                      (long long)list->line);
            goto close;
        }
        if (list->end)
            trim(text, list->line == 1);
        if (list->end && (text[0] == '#' || (!text[0] && length < FILE_PATH_MAX)))
            continue;
        if (length >= FILE_PATH_MAX)
            return fail(STATUS_LIMIT, "%s %lld is longer than %d bytes", what, (long long)list->line, FILE_PATH_MAX - 1);
        return STATUS_OK;
    }
    if (ferror(list->stream))
        rc = fail(STATUS_IO, "cannot read the list after %s %lld: %s", what, (long long)list->line, strerror(errno));
    else
        *end = true;
close:
    intake_list_close(list);
    return rc;
}

// Waits for more, but not behind a signal.
static enum status wait_for_more(int from, const char *input, uint64_t bytes, double *said)
{
    struct pollfd more = {.fd = from, .events = POLLIN};
    while (poll(&more, 1, 200) == 0 || more.revents == 0) {
        if (stop_requested())
            return fail(STATUS_STOPPED, "%s: stopped while the list was being read", input);
        if (now() - *said > say_so_after) {
            log_info("waiting for the rest of the list %s: %llu bytes so far", input, (unsigned long long)bytes);
            *said = now();
        }
    }
    return STATUS_OK;
}

static enum status write_all(int to, const char *bytes, size_t count)
{
    for (ssize_t done; count > 0; bytes += done, count -= (size_t)done)
        if ((done = write(to, bytes, count)) < 0)
            return fail(STATUS_LIMIT, "no memory for the list: %s", strerror(errno));
    return STATUS_OK;
}

static enum status copy_list(int from, const char *input, int to)
{
    char buffer[1 << 16];
    uint64_t bytes = 0;
    double said = now();
    for (;;) {
        TRY(wait_for_more(from, input, bytes, &said));
        const ssize_t count = read(from, buffer, sizeof buffer);
        if (count == 0)
            return STATUS_OK;
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0)
            return fail(STATUS_IO, "%s: cannot read the list: %s", input, strerror(errno));
        bytes += (uint64_t)count;
        if (bytes > LISTS_MAX)
            return fail(STATUS_LIMIT, "%s: a list of more than %llu bytes: write it into a file", input, (unsigned long long)LISTS_MAX);
        TRY(write_all(to, buffer, (size_t)count));
    }
}

// `input`: with its @. A FIFO is open before anybody writes to it, so that a signal is heeded meanwhile. *copy stays -1 where it is a file,
// or nothing at all.
static enum status read_list(const char *input, int *copy)
{
    const char *path = input + 1;
    struct stat info;
    const int from = is_standard_input(path) ? dup(STDIN_FILENO)
                     : stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)
                         ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
                         : -1;
    enum status rc = STATUS_OK;
    if (from < 0 || (fstat(from, &info) == 0 && S_ISREG(info.st_mode)))
        goto out;
    *copy = memfd_create("list", MFD_CLOEXEC);
    rc = *copy >= 0 ? copy_list(from, input, *copy) : fail(STATUS_LIMIT, "no memory for the list %s: %s", input, strerror(errno));
out:
    if (from >= 0)
        close(from);
    return rc;
}

enum status intake_lists_read(char *const *inputs, int count, int **copies)
{
    const char *standard = NULL;
    enum status rc;
    TRY(ALLOCATE(*copies, count + 1, "for %d inputs", count));
    memset(*copies, 0xff, ((size_t)count + 1) * sizeof **copies); // -1
    rc = STATUS_OK;
    for (int i = 0; i < count && rc == STATUS_OK; i++) {
        if (inputs[i][0] != '@')
            continue;
        if (is_standard_input(inputs[i] + 1)) {
            if (standard)
                rc = fail(STATUS_USAGE, "%s and %s are both standard input, which can be read once", standard, inputs[i]);
            standard = inputs[i];
        }
        if (rc == STATUS_OK)
            rc = read_list(inputs[i], &(*copies)[i]);
    }
    if (rc != STATUS_OK)
        intake_lists_destroy(copies, count);
    return rc;
}

void intake_lists_destroy(int **copies, int count)
{
    for (int i = 0; *copies && i < count; i++)
        if ((*copies)[i] >= 0)
            close((*copies)[i]);
    free(*copies);
    *copies = NULL;
}
