// SPDX-License-Identifier: MIT
#include "common/system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ASIDE_NAME_MAX = 200, // bytes of the final name that the name aside repeats; with its suffix it stays below NAME_MAX
    ASIDE_TRIES = 16,
    DIGEST_BLOCK = 64 << 10,
};

// Bytes of `path` up to and with its last slash.
static size_t folder_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

static void folder_of(const char *path, char folder[FILE_PATH_MAX])
{
    const size_t length = folder_length(path);
    snprintf(folder, FILE_PATH_MAX, "%.*s", length ? (int)length : 1, length ? path : ".");
}

static enum status open_aside(char aside[FILE_PATH_MAX], const char *path, int mode, int *descriptor)
{
    const size_t folder = folder_length(path);
    unsigned number;
    *descriptor = -1;
    for (int i = 0; i < ASIDE_TRIES && *descriptor < 0; i++) {
        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            number = (unsigned)getpid(); // O_EXCL still keeps two writers apart
        if (snprintf(aside, FILE_PATH_MAX, "%.*s%.*s.%08x.part", (int)folder, path, ASIDE_NAME_MAX, path + folder, number) >= FILE_PATH_MAX)
            return fail(STATUS_LIMIT, "cannot write '%s': the path is too long", path);
        *descriptor = open(aside, mode | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*descriptor < 0 && errno != EEXIST)
            break;
    }
    return *descriptor >= 0 ? STATUS_OK : fail(STATUS_IO, "cannot create '%s': %s", aside, strerror(errno));
}

enum status file_create(struct file_writer *writer, const char *path)
{
    memset(writer, 0, sizeof *writer);
    size_t length = strlen(path);
    if (length == 0 || path[length - 1] == '/')
        return fail(STATUS_IO, "cannot write '%s': not the name of a file", path);
    if (length >= sizeof writer->path)
        return fail(STATUS_LIMIT, "cannot write '%s': the path is longer than %d bytes", path, FILE_PATH_MAX - 1);
    memcpy(writer->path, path, length + 1);

    int descriptor;
    TRY(open_aside(writer->aside, path, O_RDWR, &descriptor));
    writer->stream = fdopen(descriptor, "w+b");
    if (!writer->stream) {
        int error = errno;
        close(descriptor);
        unlink(writer->aside);
        return fail(STATUS_IO, "cannot create '%s': %s", writer->aside, strerror(error));
    }
    return STATUS_OK;
}

enum status file_may_create(const char *path)
{
    char folder[FILE_PATH_MAX];
    folder_of(path, folder);
    return access(folder, W_OK | X_OK) == 0 ? STATUS_OK : fail(STATUS_IO, "cannot create '%s': %s", path, strerror(errno));
}

// 0, or errno. Some file systems cannot sync and say EINVAL.
static int sync_file(int descriptor)
{
    return fsync(descriptor) != 0 && errno != EINVAL ? errno : 0;
}

enum status file_sync_name(const char *path)
{
    char folder[FILE_PATH_MAX];
    folder_of(path, folder);
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return errno == EACCES ? STATUS_OK : fail(STATUS_IO, "cannot open the folder '%s': %s", folder, strerror(errno));
    const int error = sync_file(descriptor);
    close(descriptor);
    return error ? fail(STATUS_IO, "cannot sync the folder '%s': %s", folder, strerror(error)) : STATUS_OK;
}

static enum status rename_file(const char *from, const char *to)
{
    return rename(from, to) == 0 ? STATUS_OK : fail(STATUS_IO, "cannot rename '%s' to '%s': %s", from, to, strerror(errno));
}

enum status file_commit(struct file_writer *writer)
{
    const bool failed = ferror(writer->stream) != 0;
    int error = fflush(writer->stream) != 0 ? errno : 0; // what could not be written is tried again, which says why
    if (failed && !error)
        error = EIO;
    if (!error)
        error = sync_file(fileno(writer->stream));
    if (fclose(writer->stream) != 0 && !error)
        error = errno;
    writer->stream = NULL;
    if (error) {
        unlink(writer->aside);
        return fail(STATUS_IO, "cannot write '%s': %s", writer->path, strerror(error));
    }
    const enum status rc = rename_file(writer->aside, writer->path);
    if (rc != STATUS_OK)
        unlink(writer->aside);
    return rc;
}

enum status file_rename(const char *from, const char *to)
{
    const int descriptor = open(from, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail(STATUS_IO, "cannot open '%s': %s", from, strerror(errno));
    const int error = sync_file(descriptor);
    close(descriptor);
    return error ? fail(STATUS_IO, "cannot write '%s': %s", from, strerror(error)) : rename_file(from, to);
}

enum status file_create_nameless(const char *folder, int *descriptor)
{
    char path[FILE_PATH_MAX], aside[FILE_PATH_MAX];
    *descriptor = -1;
    TRY(file_join(path, folder, ".nameless"));
    TRY(open_aside(aside, path, O_RDWR, descriptor));
    unlink(aside);
    return STATUS_OK;
}

void file_abandon(struct file_writer *writer)
{
    if (!writer->stream)
        return;
    fclose(writer->stream);
    writer->stream = NULL;
    unlink(writer->aside);
}

// O_NONBLOCK, so that a FIFO is refused instead of waited for.
static enum status open_regular(const char *path, int *descriptor, struct stat *facts)
{
    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*descriptor < 0)
        return fail(STATUS_IO, "cannot open '%s': %s", path, strerror(errno));
    enum status rc = STATUS_OK;
    if (fstat(*descriptor, facts) != 0)
        rc = fail(STATUS_IO, "cannot look at '%s': %s", path, strerror(errno));
    else if (!S_ISREG(facts->st_mode))
        rc = fail(STATUS_IO, "cannot read '%s': %s", path, S_ISDIR(facts->st_mode) ? "it is a folder" : "it is not a regular file");
    if (rc != STATUS_OK) {
        close(*descriptor);
        *descriptor = -1;
    }
    return rc;
}

// Reads until `size` bytes or the end of the file; -1 and errno on failure.
static ssize_t read_fully(int descriptor, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(descriptor, (char *)bytes + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

enum status file_read_open(int descriptor, const char *name, uint64_t expected, void **bytes, size_t *size)
{
    char *buffer = *bytes = malloc((size_t)expected + 1);
    *size = (size_t)expected;
    if (!buffer)
        return no_memory("for the %llu bytes of '%s'", (unsigned long long)expected, name);
    // One byte more than there should be, to notice a file that is still being written.
    const ssize_t got = read_fully(descriptor, buffer, (size_t)expected + 1);
    if (got >= 0 && (uint64_t)got == expected) {
        buffer[expected] = '\0';
        return STATUS_OK;
    }
    const enum status rc = got < 0 ? fail(STATUS_IO, "cannot read '%s': %s", name, strerror(errno))
                                   : fail(STATUS_IO, "'%s' changed its size while it was read", name);
    free(buffer);
    *bytes = NULL;
    return rc;
}

enum status file_open(const char *path, uint64_t limit, int *descriptor, struct stat *facts)
{
    TRY(open_regular(path, descriptor, facts));
    const uint64_t size = (uint64_t)facts->st_size;
    if (size <= limit)
        return STATUS_OK;
    close(*descriptor);
    *descriptor = -1;
    return fail(STATUS_LIMIT, "'%s' has %llu bytes; the limit is %llu", path, (unsigned long long)size, (unsigned long long)limit);
}

enum status file_read_facts(const char *path, uint64_t limit, void **bytes, size_t *size, struct stat *facts)
{
    int descriptor;
    *bytes = NULL;
    *size = 0;
    TRY(file_open(path, limit, &descriptor, facts));
    const enum status rc = file_read_open(descriptor, path, (uint64_t)facts->st_size, bytes, size);
    close(descriptor);
    return rc;
}

enum status file_read(const char *path, uint64_t limit, void **bytes, size_t *size)
{
    struct stat facts;
    return file_read_facts(path, limit, bytes, size, &facts);
}

// Up to the end, of whatever length within the limit.
static enum status read_to_end(int descriptor, const char *name, uint64_t limit, void **bytes, size_t *size)
{
    enum status rc = STATUS_OK;
    size_t room = 0;
    char *buffer = NULL;
    *size = 0;
    for (ssize_t got = 1; got > 0; *size += (size_t)got) {
        room = room ? 2 * room : 4096;
        room = room < limit + 1 ? room : (size_t)limit + 1; // one more shows that there is too much
        char *more = realloc(buffer, room + 1);
        if (!more)
            TRY_OUT(no_memory("for the bytes of '%s'", name));
        buffer = more;
        got = read_fully(descriptor, buffer + *size, room - *size);
        if (got < 0)
            TRY_OUT(fail(STATUS_IO, "cannot read '%s': %s", name, strerror(errno)));
        if (*size + (size_t)got > limit)
            TRY_OUT(fail(STATUS_LIMIT, "'%s' has more than %llu bytes", name, (unsigned long long)limit));
    }
    buffer[*size] = '\0';
    *bytes = buffer;
out:
    if (rc != STATUS_OK)
        free(buffer);
    return rc;
}

enum status file_read_any(const char *path, uint64_t limit, void **bytes, size_t *size)
{
    struct stat facts;
    *bytes = NULL;
    *size = 0;
    if (stat(path, &facts) != 0 || S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))
        return file_read(path, limit, bytes, size);
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail(STATUS_IO, "cannot open '%s': %s", path, strerror(errno));
    const enum status rc = read_to_end(descriptor, path, limit, bytes, size);
    close(descriptor);
    return rc;
}

// What is to be said where mkdir() failed. Any error: read-only file systems and automounters do not say EEXIST.
static enum status is_folder(const char *path)
{
    int error = errno;
    struct stat facts;
    char name[FILE_PATH_MAX], target[FILE_PATH_MAX];
    size_t end = (size_t)snprintf(name, sizeof name, "%s", path);
    while (end > 1 && name[end - 1] == '/')
        name[--end] = '\0';
    const ssize_t length = error == EEXIST && access(name, F_OK) != 0 && errno == ENOENT ? readlink(name, target, sizeof target) : -1;
    if (length >= 0)
        return fail(STATUS_IO, "cannot make the folder '%s': it is a link to '%.*s', which is not there", name, (int)length, target);
    if (stat(path, &facts) == 0) {
        if (S_ISDIR(facts.st_mode))
            return STATUS_OK;
        error = ENOTDIR;
    }
    return fail(STATUS_IO, "cannot make the folder '%s': %s", path, strerror(error));
}

// Only what is missing costs a call: on a parallel file system each is a message to a server.
enum status file_make_missing_folder(const char *path, bool *made)
{
    char partial[FILE_PATH_MAX];
    const size_t length = strlen(path);
    *made = false;
    if (length == 0)
        return fail(STATUS_IO, "cannot make a folder without a name");
    if (length >= sizeof partial)
        return fail(STATUS_LIMIT, "cannot make the folder '%s': the path is longer than %d bytes", path, FILE_PATH_MAX - 1);
    memcpy(partial, path, length + 1);
    size_t there = length;
    while (!(*made = mkdir(partial, 0777) == 0)) {
        if (errno != ENOENT) {
            TRY(is_folder(partial));
            break;
        }
        while (there > 0 && partial[there - 1] != '/')
            there--;
        while (there > 0 && partial[there - 1] == '/')
            there--;
        if (there == 0)
            break;
        partial[there] = '\0';
    }
    while (there < length) {
        partial[there] = path[there];
        there += strlen(partial + there);
        if (mkdir(partial, 0777) == 0)
            *made = true;
        else
            TRY(is_folder(partial));
    }
    return STATUS_OK;
}

// A file without a name says it best; where there are none, a folder that is removed at once.
static enum status may_make_in(const char *folder, const char *missing)
{
    const int trial = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (trial >= 0)
        close(trial);
    if (trial >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL))
        return trial >= 0 ? STATUS_OK : fail(STATUS_IO, "cannot make the folder '%s': %s", missing, strerror(errno));
    if (mkdir(missing, 0777) != 0)
        return is_folder(missing);
    rmdir(missing);
    return STATUS_OK;
}

enum status file_may_make_folder(const char *path)
{
    char folder[FILE_PATH_MAX], missing[FILE_PATH_MAX];
    struct stat facts;
    if (path[0] == '\0' || strlen(path) >= sizeof folder) {
        bool made;
        return file_make_missing_folder(path, &made); // which refuses it
    }
    snprintf(folder, sizeof folder, "%s", path);
    missing[0] = '\0';
    while (stat(folder, &facts) != 0) {
        if (errno != ENOENT)
            return fail(STATUS_IO, "cannot make the folder '%s': %s", path, strerror(errno));
        size_t length = strlen(folder);
        while (length > 1 && folder[length - 1] == '/')
            folder[--length] = '\0';
        if (lstat(folder, &facts) == 0) { // a link to nothing
            errno = EEXIST;
            return is_folder(folder);
        }
        memcpy(missing, folder, length + 1);
        length = folder_length(folder);
        while (length > 1 && folder[length - 1] == '/')
            length--;
        snprintf(folder, sizeof folder, "%.*s", length ? (int)length : 1, length ? missing : ".");
    }
    if (!S_ISDIR(facts.st_mode))
        return fail(STATUS_IO, "cannot make the folder '%s': %s", missing[0] ? missing : path, strerror(ENOTDIR));
    return missing[0] ? may_make_in(folder, missing) : STATUS_OK;
}

enum status file_make_folder(const char *path)
{
    bool made;
    return file_make_missing_folder(path, &made);
}

size_t file_missing_folder(const char *path)
{
    char part[FILE_PATH_MAX];
    struct stat facts;
    for (size_t length = 1; length <= strlen(path) && length < sizeof part; length++) {
        if (path[length] != '/' && path[length] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        if (stat(part, &facts) != 0)
            return length;
    }
    return 0;
}

void file_remove_folders(const char *path, size_t least)
{
    char part[FILE_PATH_MAX];
    for (size_t length = strlen(path); length >= least && length > 0 && length < sizeof part; length--) {
        if (path[length] != '/' && path[length] != '\0')
            continue;
        snprintf(part, sizeof part, "%.*s", (int)length, path);
        if (rmdir(part) != 0 && errno != ENOENT) // "a/" is "a"
            return;
    }
}

enum status file_join(char out[FILE_PATH_MAX], const char *folder, const char *name)
{
    size_t length = strlen(folder);
    const char *separator = length == 0 || folder[length - 1] == '/' ? "" : "/";
    if (snprintf(out, FILE_PATH_MAX, "%s%s%s", folder, separator, name) >= FILE_PATH_MAX)
        return fail(STATUS_LIMIT, "the path '%s%s%s' is longer than %d bytes", folder, separator, name, FILE_PATH_MAX - 1);
    return STATUS_OK;
}

static void write_hex(const unsigned char *value, unsigned length, char *hex)
{
    for (unsigned i = 0; i < length; i++)
        snprintf(hex + 2 * i, 3, "%02x", value[i]);
}

enum status file_md5(const char *path, char hex[33])
{
    enum status rc = STATUS_OK;
    int descriptor;
    struct stat facts;
    unsigned char block[DIGEST_BLOCK], value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    ssize_t got = 0;
    hex[0] = '\0';
    TRY(open_regular(path, &descriptor, &facts));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context && EVP_DigestInit_ex(context, EVP_md5(), NULL);
    while (fine && (got = read_fully(descriptor, block, sizeof block)) > 0)
        fine = EVP_DigestUpdate(context, block, (size_t)got);
    if (got < 0)
        rc = fail(STATUS_IO, "cannot read '%s': %s", path, strerror(errno));
    else if (fine && EVP_DigestFinal_ex(context, value, &length))
        write_hex(value, length, hex);
    else
        rc = fail(STATUS_UNSUPPORTED, "libcrypto refuses to compute the MD5 of '%s'", path);
    EVP_MD_CTX_free(context);
    close(descriptor);
    return rc;
}

enum status file_cache_path(char out[FILE_PATH_MAX], const char *name)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int used = 0;
    if (cache && cache[0] == '/') // the specification says to ignore others
        used = snprintf(out, FILE_PATH_MAX, "%s/oneiros/%s", cache, name);
    else if (home && home[0] == '/')
        used = snprintf(out, FILE_PATH_MAX, "%s/.cache/oneiros/%s", home, name);
    else
        return fail(STATUS_IO, "no place for %s: set HOME or XDG_CACHE_HOME", name);
    return used < FILE_PATH_MAX ? STATUS_OK : fail(STATUS_LIMIT, "HOME or XDG_CACHE_HOME is too long");
}

enum status file_sha256(int descriptor, const char *name, char hex[65])
{
    enum { PIECE = 1 << 20 };
    unsigned char value[EVP_MAX_MD_SIZE], *piece = NULL;
    unsigned length = 0;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    ssize_t got = 0;
    enum status rc;
    hex[0] = '\0';
    TRY_OUT(ALLOCATE(piece, PIECE, "to read '%s'", name));
    bool fine = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    for (off_t at = 0; fine && (got = pread(descriptor, piece, PIECE, at)) > 0; at += got)
        fine = EVP_DigestUpdate(digest, piece, (size_t)got);
    if (got < 0)
        TRY_OUT(fail(STATUS_IO, "cannot read '%s': %s", name, strerror(errno)));
    if (!fine || !EVP_DigestFinal_ex(digest, value, &length))
        TRY_OUT(fail(STATUS_UNSUPPORTED, "libcrypto refuses to compute a SHA-256"));
    write_hex(value, length, hex);
out:
    EVP_MD_CTX_free(digest);
    free(piece);
    return rc;
}

enum status bytes_sha256(const void *bytes, size_t size, char hex[65])
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    hex[0] = '\0';
    if (!EVP_Digest(bytes, size, value, &length, EVP_sha256(), NULL))
        return fail(STATUS_UNSUPPORTED, "libcrypto refuses to compute a SHA-256");
    write_hex(value, length, hex);
    return STATUS_OK;
}
