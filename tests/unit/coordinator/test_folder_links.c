// SPDX-License-Identifier: MIT
// Links to another picture's files, and files of its own in their place, where there are hard links and where there are none.
#include "coordinator/output/folder_links.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/file.h"
#include "scratch.h"
#include "unit.h"

enum { LARGE = 300000 };

// In place of the C library's, for the program under test: false: as on a file system that has no hard links.
static bool has_hard_links;
int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    char whole[FILE_PATH_MAX];
    (void)from_folder, (void)to_folder, (void)flags;
    if (!has_hard_links || !realpath(from, whole)) {
        errno = has_hard_links ? errno : EPERM;
        return -1;
    }
    return link(whole, to);
}

static void write_letters(const char *name, char letter, size_t count)
{
    FILE *file = fopen(name, "w");
    for (size_t i = 0; file && i < count; i++)
        (void)fputc(letter + (char)(i % 20), file);
    CU_ASSERT(file && fclose(file) == 0);
}

static bool is_letters(const char *name, char letter, size_t count)
{
    void *bytes = NULL;
    size_t size = 0;
    bool same = file_read(name, 2 * LARGE, &bytes, &size) == STATUS_OK && size == count;
    for (size_t i = 0; same && i < count; i++)
        same = ((const char *)bytes)[i] == letter + (char)(i % 20);
    free(bytes);
    return same;
}

static bool is_link(const char *name)
{
    struct stat facts;
    return lstat(name, &facts) == 0 && S_ISLNK(facts.st_mode);
}

static void check(const char *name)
{
    char path[256], to[ROW_SOURCE_MAX];
    static const char *const made[] = {"dream.png", "cam.mp4", "explain.h5"};
    UNIT_OK(file_make_folder("a"));
    write_letters("a/dream.png", 'A', LARGE);
    write_letters("a/cam.mp4", 'a', 0);
    write_letters("a/explain.h5", 'a', 10);
    write_letters("a/gone.tif", 'a', 10);
    UNIT_OK(folder_links_make(".", name, "a/dream.png", to));
    CU_ASSERT(unlink("a/gone.tif") == 0);
    snprintf(path, sizeof path, "%s/dream.png.0123abcd.part", name); // of one that was killed
    write_letters(path, 'a', 5);
    for (int i = 0; i < 2; i++) { // once more makes no difference
        UNIT_OK(folder_links_end(".", to));
        CU_ASSERT(access(path, F_OK) != 0);
        write_letters("a/dream.png.new", 'B', 20); // as outputs are replaced
        CU_ASSERT(rename("a/dream.png.new", "a/dream.png") == 0);
        CU_ASSERT(is_letters(to, 'A', LARGE));
    }
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", name, made[i]);
        CU_ASSERT(!is_link(path) && access(path, F_OK) == 0);
    }
    snprintf(path, sizeof path, "%s/gone.tif", name);
    CU_ASSERT(is_link(path)); // to nothing
}

static void become_files(void)
{
    CU_ASSERT(chdir(scratch) == 0);
    has_hard_links = true;
    check("b");
    check("c/d");
    has_hard_links = false;
    check("e/f/g");
    UNIT_OK(folder_links_end(".", "none/dream.png"));
}

static const struct unit_test tests[] = {{"become files", become_files}};
UNIT_MAIN_IN_SCRATCH("folder links", tests)
