// SPDX-License-Identifier: MIT
// Inputs of every kind in real folders, and the names of their outputs.
#include "coordinator/intake/intake.h"
#include "coordinator/intake/intake_list.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/system/log.h"
#include "common/system/text.h"
#include "media/picture/signature.h"
#include "scratch.h"
#include "unit.h"

static const char png[] = "\x89PNG\r\n\x1a\n more";

// A file below the scratch folder, with the folders above it.
static void put(const char *name, const char *bytes, size_t size)
{
    char path[FILE_PATH_MAX];
    snprintf(path, sizeof path, "%s", name);
    char *slash = strrchr(path, '/');
    if (slash) {
        *slash = '\0';
        UNIT_OK(file_make_folder(path));
    }
    FILE *stream = fopen(name, "wb");
    CU_ASSERT_FATAL(stream && fwrite(bytes, 1, size, stream) == size && fclose(stream) == 0);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

// Each test has a working folder of its own.
static void enter(const char *name)
{
    CU_ASSERT_FATAL(chdir(scratch) == 0 && mkdir(name, 0777) == 0 && chdir(name) == 0);
}

// Everything that the inputs give, one "source > name" or "source ! error" a line.
static const char *take(const char *output, int count, ...)
{
    static char text[1 << 16];
    char *inputs[16];
    va_list args;
    va_start(args, count);
    for (int i = 0; i < count; i++)
        inputs[i] = va_arg(args, char *);
    va_end(args);
    struct intake *intake;
    struct intake_entry entry;
    bool end;
    size_t used = 0;
    int64_t id = 0;
    text[0] = '\0';
    UNIT_OK(intake_create(&intake, &(struct intake_options){.output = output, .inputs = inputs, .count = count}));
    for (;;) {
        UNIT_OK(intake_next(intake, &entry, &end));
        if (end)
            break;
        CU_ASSERT_EQUAL(entry.id, id++);
        CU_ASSERT_EQUAL(entry.status == STATUS_OK, entry.error[0] == '\0');
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s\n",
                                 entry.kind == INTAKE_URL     ? "URL "
                                 : entry.kind == INTAKE_NOISE ? "NOISE "
                                                              : "",
                                 entry.source, entry.status ? "!" : entry.name);
        if (entry.status)
            used += (size_t)snprintf(text + used - 1, sizeof text - used, " %s\n", entry.error) - 1;
        CU_ASSERT_FATAL(used < sizeof text - 8192);
    }
    UNIT_OK(intake_next(intake, &entry, &end));
    CU_ASSERT(end); // and stays so
    intake_destroy(&intake);
    CU_ASSERT_PTR_NULL(intake);
    intake_destroy(&intake);
    return text;
}
static void check_text(const char *got, const char *wanted)
{
    if (strcmp(got, wanted) != 0)
        printf("\ngot:\n%swanted:\n%s", got, wanted);
    CU_ASSERT_STRING_EQUAL(got, wanted);
}
#define GIVES(wanted, ...) check_text(take(__VA_ARGS__), wanted)

static void test_files_and_urls(void)
{
    enter("files");
    put_text("b.png", png);
    put_text("a.txt", "no picture, but asked for");
    GIVES("b.png b\n"
          "a.txt a\n"
          "b.png b-2\n"
          "gone.png ! No such file or directory\n"
          "b.png/x ! Not a directory\n"
          "sub/gone.png ! No such file or directory\n"
          "URL HTTPS://example.org/p/my%20cat.jpg?size=3#x my cat\n"
          "URL http://example.org/B.tif B-3\n",
          "out", 8, "b.png", "a.txt", "b.png", "gone.png", "b.png/x", ".//sub/./gone.png", "HTTPS://example.org/p/my%20cat.jpg?size=3#x",
          "http://example.org/B.tif");
    GIVES("/dev/null ! neither a file nor a folder\n", "out", 1, "/dev/null");
    GIVES("", "out", 0);
}

#define NOISE_FORM "noise is named as noise:1024x768, or noise:1024x768:7 for another one (a file of this name: ./"

// Noise is named everywhere but in folders; a file that is called so, by its path.
static void test_noise(void)
{
    enter("noise");
    put_text("list", "noise:80x90:3\n  noise:100x90\nnoise:x\n./noise:80x90\n");
    put_text("noise:80x90", png);
    put_text("sub/noise:80x90.png", png);
    GIVES("NOISE noise:100x90 noise-100x90\n"
          "NOISE noise:100x90:2 noise-100x90-2\n"
          "NOISE noise:100x90 noise-100x90-3\n"
          "NOISE noise:80x90:3 noise-80x90-3\n"
          "NOISE noise:100x90 noise-100x90-4\n"
          "noise:x ! " NOISE_FORM "noise:x)\n"
          "./noise:80x90 noise:80x90\n"
          "noise:* ! " NOISE_FORM "noise:*)\n"
          "./noise:80x90 noise:80x90-2\n"
          "sub/noise:80x90.png sub/noise:80x90\n"
          "noise: ! " NOISE_FORM "noise:)\n",
          "out", 8, "noise:100x90", "noise:100x90:2", "noise:100x90", "@list", "noise:*", "noise[:]*", "sub", "noise:");
}

// Nor are pictures of a folder that is called so.
static void test_noisy_folder(void)
{
    enter("noisy");
    put_text("noise:d/a.png", png);
    put_text("noise:d/b/c.png", png);
    GIVES("./noise:d/a.png a\n"
          "./noise:d/b/c.png b/c\n",
          "out", 1, ".//noise:d/");
    GIVES("./noise:d/a.png a\n", "out", 1, "./noise:d/*.png");
    GIVES("./noise:d/a.png noise:d/a\n"
          "./noise:d/b/c.png noise:d/b/c\n"
          "./noise:d/b/c.png c\n"
          "./noise:d/x.png ! No such file or directory\n",
          "out", 3, "noise[:]?", "./noise:d/b/c.png", "./noise:d//x.png");
}

static void test_folders(void)
{
    enter("folders");
    put_text("p/b.PNG", "truncated");
    put_text("p/a/2.jpeg", "");
    put_text("p/a/10.tif", "");
    put_text("p/c", png);
    put_text("p/notes.txt", "text");
    put_text("p/.hidden.png", png);
    put_text("p/.git/x.png", png);
    put_text("empty/notes.txt", "text");
    CU_ASSERT_EQUAL(symlink("../p/a", "p/z"), 0);
    CU_ASSERT_EQUAL(symlink("..", "p/loop"), 0);
    CU_ASSERT_EQUAL(symlink("nowhere.jpg", "p/lost.jpg"), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", "p/lost"), 0);
    CU_ASSERT_EQUAL(mkfifo("p/pipe.png", 0600), 0);
    const char *wanted = "p/a/10.tif a/10\np/a/2.jpeg a/2\np/b.PNG b\np/c c\np/lost.jpg lost\np/z/10.tif z/10\np/z/2.jpeg z/2\n";
    GIVES(wanted, "out", 1, "p/"); // "p/loop" leads back to "p"
    GIVES("empty ! no picture in this folder\n", "out", 1, "empty");
    // Hidden only counts below what was asked for.
    GIVES("p/.git/x.png x\n", "out", 1, "p/.git");
}

static void test_folder_that_may_not_be_read(void)
{
    enter("forbidden");
    put_text("p/a.png", png);
    put_text("p/b/c.png", png);
    put_text("p/d.png", png);
    CU_ASSERT_EQUAL(chmod("p/b", 0), 0);
    const bool root = geteuid() == 0; // who may read everything
    if (root)
        CU_ASSERT_FATAL(chmod(scratch, 0755) == 0 && seteuid(65534) == 0);
    GIVES("p/a.png a\np/b ! cannot read: Permission denied\np/d.png d\n", "out", 1, "p");
    GIVES("p/b ! cannot read: Permission denied\n", "out", 1, "p/b");
    if (root)
        CU_ASSERT_FATAL(seteuid(0) == 0);
    CU_ASSERT_EQUAL(chmod("p/b", 0700), 0);
}

static void test_globs(void)
{
    enter("globs");
    put_text("b2.png", png);
    put_text("a1.png", png);
    put_text("B.png", png);
    put_text("d.png/x.jpg", "");
    put_text("[x].png", png);
    GIVES("B.png B\n[x].png [x]\na1.png a1\nb2.png b2\nd.png/x.jpg d.png/x\n", "out", 1, "*.png");
    GIVES("[x].png [x]\n", "out", 1, "[x].png"); // the file of that name, not the pattern
    GIVES("*.gif ! no file matches\n", "out", 1, "*.gif");
}

#define NO_ADDRESS                                                                                                                         \
    "no valid address, and no file of this name: an address begins with http:// or https://, without quotes, brackets or anything else "   \
    "before it"

// How each input is shown, up to the digest, and the folder that it gets.
static void check_shown(const char *list, const char *wanted)
{
    char *inputs[] = {(char *)list}, text[4096] = "";
    struct intake *intake;
    struct intake_entry entry;
    UNIT_OK(intake_create(&intake, &(struct intake_options){.output = "out", .inputs = inputs, .count = 1}));
    for (bool end = false;;) {
        UNIT_OK(intake_next(intake, &entry, &end));
        if (end)
            break;
        char *mark = strrchr(entry.shown, '#');
        if (mark && strlen(mark) == 17)
            *mark = '\0';
        text_append(text, sizeof text, "%s > %s\n", entry.shown, entry.name);
    }
    intake_destroy(&intake);
    check_text(text, wanted);
}

// What is meant as an address, and is none: nothing of it that may be a secret is shown; but a file of that very name is one.
static void test_nearly_addresses(void)
{
    enter("nearly");
    put_text("list", "\"http://h/o1.jpg?k=S\"\n<http://h/x?k=S>\n- http://h/x?k=S\n//h/x?k=S\nme:PW@h/o1.jpg\nhttp://h:TypoS/x\n"
                     "me:PW@h/*.jpg\nhttp:/h/x?k=S\nhttp://h/o2.jpg;k=S\n//h/o3.jpg\n\"http://h/a.png\"\n");
    check_shown("@list", "\"http://h/o1.jpg?... > o1\n<http://h/x?... > x\n- http://h/x?... > x-2\n//h/x?... > x-3\n...@h/o1.jpg > o1-2\n"
                         "http://h:... > h\n...@h/*.jpg > *\nhttp:... > address\nhttp://h/o2.jpg;... > o2\n/h/o3.jpg > o3\n"
                         "\"http://h/a.png\" > a\n");
    GIVES("//h/x?k=S ! " NO_ADDRESS "\n\"http://h/x?k=S\" ! " NO_ADDRESS "\nme:PW@h/o1.jpg ! " NO_ADDRESS "\n"
          "http://h:TypoS/x ! no valid address: behind the colon is no port (a password is written as in http://user:password@host/)\n"
          "- ! no file of this name (a list is read from standard input with @-)\n",
          "out", 5, "//h/x?k=S", "\"http://h/x?k=S\"", "me:PW@h/o1.jpg", "http://h:TypoS/x", "-");
    put_text("me:PW@h/o1.jpg", png);
    put_text("x;k=S?a.png", png);
    put_text("list", "me:PW@h/o1.jpg\nme:PW@h\nme:PW@h/*.jpg\nx;k=S?a.png\n");
    check_shown("@list", "me:PW@h/o1.jpg > o1\nme:PW@h/o1.jpg > me:PW@h/o1\nme:PW@h/o1.jpg > o1-2\nx;k=S?a.png > x;k=S?a\n");
}

static void test_lists(void)
{
    enter("lists");
    put_text("a.png", png);
    put_text("p/b.png", png);
    put_text("c.png", png);
    put_text("more.txt", "a.png\n");
    put_text("list.txt", "\xef\xbb\xbf# pictures\r\n\n  a.png \r\nhttp://h/x.gif\np\n\t#c.png\n@more.txt\ngone*.png\nc.png");
    GIVES("a.png a\n"
          "URL http://h/x.gif x\n"
          "p/b.png p/b\n"
          "@more.txt ! a list cannot name a list (a file of this name is ./@more.txt)\n"
          "gone*.png ! no file matches\n"
          "c.png c\n"
          "a.png a-2\n",
          "out", 2, "@list.txt", "a.png");
    GIVES("@gone.txt ! cannot read the list: No such file or directory\na.png a\n", "out", 2, "@gone.txt", "a.png");
    GIVES("@p ! cannot read the list after line 0: Is a directory\na.png a\n", "out", 2, "@p", "a.png");
}

static void test_hostile_lists(void)
{
    static char bytes[3 * FILE_PATH_MAX];
    enter("hostile");
    put_text("a.png", png);
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes, "a.png\n", 6);
    memcpy(bytes + 10000, "\na.png\n", 7);
    bytes[sizeof bytes - 1] = '\n';
    put("long.txt", bytes, sizeof bytes);
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "a.png a\n@long.txt ! line 2 is longer than 4095 bytes\na.png a-2\n");
    const char *got = take("out", 1, "@long.txt");
    CU_ASSERT_EQUAL(strncmp(got, wanted, strlen(wanted)), 0); // the last line is a name of some 2000 bytes

    memset(bytes, ' ', sizeof bytes);
    put("blank.txt", bytes, sizeof bytes);
    GIVES("@blank.txt ! line 1 is longer than 4095 bytes\n", "out", 1, "@blank.txt");
    put("binary.txt", "a.png\nb\0c\na.png\n", 16);
    GIVES("a.png a\n@binary.txt ! line 2 holds a NUL byte: this is not a list (one with NULs ends with one)\na.png a-2\n", "out", 2,
          "@binary.txt", "a.png");

    memset(bytes, 'y', sizeof bytes);
    bytes[sizeof bytes - 1] = '\0';
    got = take("out", 2, bytes, "a.png");
    CU_ASSERT_PTR_NOT_NULL(strstr(got, " ! longer than 4095 bytes\na.png a\n"));
}

// Names as they are, as of `find -print0`: with blanks, #, newlines.
static void test_names_between_nuls(void)
{
    enter("nuls");
    put_text("a.png", png);
    put_text(" #b\nc.png", png);
    put("list", "a.png\0 #b\nc.png\0http://h/x.gif\0", 31);
    GIVES("a.png a\n #b\nc.png  #b_c\nURL http://h/x.gif x\n", "out", 1, "@list");
    put("empty", "a.png\0\0a.png\0", 13);
    GIVES("a.png a\n@empty ! name 2 is empty: this is not a list\n", "out", 1, "@empty");
    put("nothing", "", 0);
    GIVES("", "out", 1, "@nothing");
}

// A pipe is read to its end, once, and then gone through as often as anybody wants.
static void test_pipes(void)
{
    char *inputs[] = {"a.png", "@pipe", "@file"}, *twice[] = {"@-", "@/dev/stdin"};
    int *lists, total = 0;
    enter("pipes");
    put_text("a.png", png);
    put_text("file", "a.png\n");
    CU_ASSERT_EQUAL_FATAL(mkfifo("pipe", 0600), 0);
    if (fork() == 0) {
        FILE *pipe = fopen("pipe", "w");
        for (int i = 0; pipe && i < 1000; i++)
            fprintf(pipe, "noise:%dx80\n", 100 + i);
        _exit(!pipe || fclose(pipe) != 0);
    }
    UNIT_OK(intake_lists_read(inputs, 3, &lists));
    CU_ASSERT(lists[0] == -1 && lists[1] >= 0 && lists[2] == -1);
    for (int pass = 0; pass < 2; pass++) {
        struct intake *intake;
        struct intake_entry entry;
        bool end = false;
        UNIT_OK(intake_create(&intake, &(struct intake_options){.output = "out", .inputs = inputs, .count = 3, .lists = lists}));
        for (;; total++) {
            UNIT_OK(intake_next(intake, &entry, &end));
            if (end)
                break;
            CU_ASSERT_EQUAL(entry.status, STATUS_OK);
        }
        intake_destroy(&intake);
    }
    CU_ASSERT_EQUAL(total, 2 * 1002);
    intake_lists_destroy(&lists, 3);
    UNIT_FAILS(intake_lists_read(twice, 2, &lists), STATUS_USAGE, "both standard input");
    CU_ASSERT_PTR_NULL(lists);
}

// A list is read as the run goes on: what is written to it meanwhile is seen.
static void test_lists_are_streamed(void)
{
    enter("streamed");
    put_text("a.png", png);
    CU_ASSERT_EQUAL_FATAL(mkfifo("list", 0600), 0);
    FILE *writer = fopen("list", "r+"); // both ends, so that opening does not wait
    setvbuf(writer, NULL, _IOLBF, 0);
    fputs("a.png\n", writer);
    char *inputs[] = {"@list"};
    struct intake *intake;
    struct intake_entry entry;
    bool end;
    UNIT_OK(intake_create(&intake, &(struct intake_options){.output = "out", .inputs = inputs, .count = 1}));
    for (int i = 0; i < 3; i++) {
        UNIT_OK(intake_next(intake, &entry, &end));
        CU_ASSERT_FATAL(!end);
        CU_ASSERT_STRING_EQUAL(entry.source, "a.png");
        fputs("a.png\n", writer);
    }
    intake_destroy(&intake);
    fclose(writer);
}

static void test_outputs_are_not_inputs(void)
{
    enter("outputs");
    put_text("cat.png", png);
    put_text("dog", png);
    put_text("cat/dream.png", png); // what a first run with -o . wrote
    put_text("cat/dream.partial.png", png);
    put_text("out/cat/dream.png", png); // and one with -o out
    put_text("out/cat/cam/0000.png", png);
    put_text("deep/er/dream.png", png); // a picture that is called so
    // Run twice into the folder of the inputs: earlier dreams are left alone, and the folder for `dog` is not the file `dog`.
    GIVES("./cat.png cat\n./dog dog-2\n", ".", 1, ".");
    GIVES("./cat/dream.partial.png cat/dream.partial_\n./cat/dream.png cat/dream_\n./cat.png cat\n./deep/er/dream.png "
          "deep/er/dream_\n./dog dog\n",
          "out", 1, ".");
    const char *refused = "a picture of an earlier run into this output folder, which this run may overwrite; use another folder\n";
    char wanted[512];
    snprintf(wanted, sizeof wanted, "cat/dream.png ! %scat.png cat\n", refused);
    GIVES(wanted, ".", 2, "cat/dream.png", "cat.png");
    CU_ASSERT_EQUAL_FATAL(chdir("cat"), 0);
    put_text("3f/cow/dream.png", png); // in a group
    snprintf(wanted, sizeof wanted, "3f/cow/dream.png ! %s", refused);
    GIVES(wanted, ".", 1, "3f/cow/dream.png");
    GIVES("3f/cow/dream.png dream\n", "out", 1, "3f/cow/dream.png");
    snprintf(wanted, sizeof wanted, "dream.png ! %s", refused);
    GIVES(wanted, "..", 1, "dream.png");
}

static void test_runs_are_no_inputs(void)
{
    enter("runs");
    put_text("cat.png", png);
    put_text("was/run.h5", "\x89HDF\r\n\x1a\n and so on");
    put_text("was/cat/dream.png", png);
    GIVES("was/cat/dream.png dream\n", "out", 1, ".//was/./cat///dream.png"); // a run knows it again
    GIVES("was/cat/dream.png cat/dream_\n", "out", 1, "./was/*/dream.png");
    put_text("mine/run.h5", "notes");
    put_text("mine/dog.png", png);
    GIVES("./cat.png cat\n./mine/dog.png mine/dog\n", "out", 1, ".");
    GIVES("was ! no picture in this folder but what a run wrote; name that, such as 'was/*/dream.png'\n", "out", 1, "was");
    GIVES("was/cat/dream.png cat/dream_\n", "out", 1, "was/*/dream.png");
    GIVES("was/cat/dream.png dream\n", "out", 1, "was/cat");
    put_text("was/owl.png", png); // photographs among which a run has written
    put_text("was/cat/owl.png", png);
    put_text("was/cat/cam_plus_plus_mixed4.png", png);
    put_text("was/cat/saliency.png", png);
    put_text("was/cat/saliency2.png", png);
    GIVES("was/cat/owl.png owl\nwas/cat/saliency2.png saliency2\n", "was", 1, "was/cat");
    GIVES("was/cat/owl.png cat/owl\nwas/cat/saliency2.png cat/saliency2\nwas/owl.png owl\n", "was", 1, "was/*");
    GIVES("was/cat/owl.png cat/owl\nwas/cat/saliency2.png cat/saliency2\nwas/owl.png owl\n", "out", 1, "was");
}

static const char *path_name(const char *path)
{
    static char name[FOLDER_NAME_MAX + 1];
    folder_name_of_path(name, path);
    return name;
}

static const char *url_name(const char *url)
{
    static char name[FOLDER_NAME_MAX + 1];
    folder_name_of_url(name, url);
    return name;
}

static void test_names(void)
{
    CU_ASSERT_STRING_EQUAL(path_name("a/b/cat.tar.png"), "a/b/cat.tar");
    CU_ASSERT_STRING_EQUAL(path_name("a/b/cat"), "a/b/cat");
    CU_ASSERT_STRING_EQUAL(path_name("a/b/"), "a/b");
    CU_ASSERT_STRING_EQUAL(path_name("/"), "image");
    CU_ASSERT_STRING_EQUAL(path_name(""), "image");
    CU_ASSERT_STRING_EQUAL(path_name(".png"), "_png");
    CU_ASSERT_STRING_EQUAL(path_name(".."), "_");
    CU_ASSERT_STRING_EQUAL(path_name("-rf.png"), "_rf");
    CU_ASSERT_STRING_EQUAL(path_name("caf\xc3\xa9 \xe2\x98\x95.png"), "caf\xc3\xa9 \xe2\x98\x95");
    CU_ASSERT_STRING_EQUAL(path_name("a\nb\x1b[31m\x7f\xc2\x85.png"), "a_b_[31m___");
    CU_ASSERT_STRING_EQUAL(path_name("caf\xe9\xff.png"), "caf__");
    CU_ASSERT_STRING_EQUAL(path_name("/x.y//./-r/../.git/z.png"), "x.y/_r/_git/z");
    // What is in the folder of a picture `a` is called so.
    CU_ASSERT_STRING_EQUAL(path_name("a/dream.png/CAM/explain.h5/dream.png"), "a/dream.png_/CAM_/explain.h5_/dream_");
    CU_ASSERT_STRING_EQUAL(path_name("dream/cam/dreams.png"), "dream/cam_/dreams");
    // And what is in the output folder.
    CU_ASSERT_STRING_EQUAL(path_name("checkpoints/a.png"), "checkpoints_/a");
    CU_ASSERT_STRING_EQUAL(path_name("Run.h5.new/run.h5.png"), "Run.h5.new_/run.h5");
    static const char *const safe[] = {"a", "a/b", "..a/b..", "a..b", ".../x"}, *const unsafe[] = {"",   "/a",   "a/",   "a//b", ".",
                                                                                                   "..", "../a", "a/..", "a/./b"};
    for (size_t i = 0; i < sizeof safe / sizeof safe[0]; i++)
        CU_ASSERT(folder_name_is_safe(safe[i], strlen(safe[i])));
    for (size_t i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++)
        CU_ASSERT(!folder_name_is_safe(unsafe[i], strlen(unsafe[i])));
    CU_ASSERT(folder_name_is_safe("a/b/..", 3) && !folder_name_is_safe("a/..", 2));
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org/a/b%2fc%00.jpg"), "b_c%00");
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org/a/%2e%2e"), "_");
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org/%zz%4"), "%zz%4");
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org/300?x=/y.png"), "300");
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org/"), "h.org");
    CU_ASSERT_STRING_EQUAL(url_name("https://h.org?q"), "h.org");
    CU_ASSERT_STRING_EQUAL(url_name("https://"), "image");
    char path[1024] = "x";
    for (int i = 0; i < 200; i++)
        strcat(path, "\xc3\xa9");
    CU_ASSERT_EQUAL(strlen(path_name(path)), 99); // not half a character
    for (int i = 0; i < 6; i++)
        snprintf(path + 99 * i, sizeof path - 99 * (size_t)i, "%0*d/x.png", 98, i);
    CU_ASSERT_STRING_EQUAL(path_name(path), "x"); // too long with its folders
    CU_ASSERT_EQUAL(strlen(path_name(path + 99)), 5 * 99 + 1);
    char all[512];
    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    all[255] = '\0';
    for (const char *s = path_name(all); *s; s += utf8_length(s))
        CU_ASSERT_FATAL(utf8_length(s) > 0 && (unsigned char)*s >= 0x20);
}

static void claim(struct folder_names *names, const char *wanted, const char *given)
{
    char name[FOLDER_NAME_MAX + 1];
    snprintf(name, sizeof name, "%s", wanted);
    UNIT_OK(folder_names_claim(names, name));
    CU_ASSERT_STRING_EQUAL(name, given);
}

static void test_unique_names(void)
{
    enter("unique");
    put_text("file", "in the way");
    CU_ASSERT_EQUAL(mkdir("folder", 0777), 0);
    CU_ASSERT_EQUAL(symlink("gone", "link"), 0);
    struct folder_names *names;
    UNIT_OK(folder_names_create(&names, ".", FOLDERS_FLAT));
    claim(names, "cat", "cat");
    claim(names, "cat-2", "cat-2");
    claim(names, "CAT", "CAT-3");
    claim(names, "cat", "cat-4");
    claim(names, "cat-2", "cat-2-2");
    claim(names, "file", "file-2");
    claim(names, "link", "link-2");
    claim(names, "folder", "folder"); // of an earlier run
    claim(names, "run.h5", "run.h5-2");
    claim(names, "Report.html", "Report.html-2");
    char longest[FOLDER_BASE_MAX + 1], second[FOLDER_BASE_MAX + 1];
    memset(longest, 'x', FOLDER_BASE_MAX);
    longest[FOLDER_BASE_MAX] = '\0';
    strcpy(second, longest);
    strcpy(second + FOLDER_BASE_MAX - 2, "-2");
    claim(names, longest, longest);
    claim(names, longest, second);
    folder_names_destroy(&names);
    CU_ASSERT_PTR_NULL(names);
}

// The first two digits of `printf %s cat | sha256sum` and the like, whatever the case.
static void test_grouped_names(void)
{
    enter("grouped");
    struct folder_names *names;
    UNIT_OK(folder_names_create(&names, ".", FOLDERS_GROUPED));
    claim(names, "cat", "77/cat");
    claim(names, "Cat", "77/Cat-2");
    claim(names, "cat", "77/cat-3");
    claim(names, "dog", "cd/dog");
    claim(names, "run.h5", "fc/run.h5");
    char longest[FOLDER_BASE_MAX + 1], given[FOLDER_NAME_MAX + 1];
    memset(longest, 'x', FOLDER_BASE_MAX);
    longest[FOLDER_BASE_MAX] = '\0';
    for (int i = 1; i <= 2; i++) {
        snprintf(given, sizeof given, "%s/%s", "09", longest);
        if (i == 2)
            strcpy(given + strlen(given) - 2, "-2");
        claim(names, longest, given);
    }
    folder_names_destroy(&names);
}

static void test_names_in_a_tree(void)
{
    enter("tree");
    struct folder_names *names;
    UNIT_OK(folder_names_create(&names, ".", FOLDERS_TREE));
    UNIT_OK(folder_names_reserve(names, "a/known/dream.png", strlen("a/known")));
    claim(names, "a/cat", "a/cat");
    claim(names, "b/cat", "b/cat");
    claim(names, "A/cat", "A/cat-2");
    claim(names, "a/known", "a/known-2");
    claim(names, "cat", "cat");
    folder_names_destroy(&names);
    UNIT_OK(folder_names_create(&names, ".", FOLDERS_FLAT));
    claim(names, "a/cat", "cat");
    claim(names, "b/cat", "cat-2");
    folder_names_destroy(&names);
}

// As an earlier run has named them, whatever came and went since.
static void test_known_images(void)
{
    enter("known");
    put_text("p/a.png", png);
    put_text("p/b.png", png);
    put_text("p/c.png", png);
    put_text("p/d.png", png);
    char *inputs[] = {"p", "p/c.png", "p/c.png"};
    struct known_image *items = calloc(5, sizeof *items);
    struct known_images known;
    struct intake *intake;
    struct intake_entry entry;
    bool end;
    CU_ASSERT_PTR_NOT_NULL_FATAL(items);
    items[0] = (struct known_image){.id = 1, .source = "p/c.png", .folder = "c/dream.png", .folder_length = 1};
    items[1] = (struct known_image){.id = 2, .source = "p/gone.png", .folder = "a/dream.png", .folder_length = 1};
    items[2] = (struct known_image){.id = 3, .source = "p/failed.png", .folder = "", .left_out = true};
    items[3] = (struct known_image){.id = 5, .source = "p/c.png", .folder = "c-2/dream.png", .folder_length = 3};
    items[4] = (struct known_image){.id = 6, .source = "p/b.png", .folder = ""};
    UNIT_OK(known_images_create(&known, items, 5));
    for (int round = 0; round < 2; round++) {
        const struct intake_options options = {.output = "out", .folders = FOLDERS_FLAT, .known = &known, .inputs = inputs, .count = 3};
        static const struct {
            int64_t id;
            const char *name;
        } wanted[] = {{0, "a-2"}, {6, "b"}, {1, "c"}, {3, "d"}, {5, "c-2"}, {4, "c-3"}};
        UNIT_OK(intake_create(&intake, &options));
        for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
            UNIT_OK(intake_next(intake, &entry, &end));
            CU_ASSERT_FATAL(!end);
            CU_ASSERT_EQUAL(entry.id, wanted[i].id);
            CU_ASSERT_STRING_EQUAL(entry.name, wanted[i].name);
        }
        UNIT_OK(intake_next(intake, &entry, &end));
        CU_ASSERT(end);
        intake_destroy(&intake);
        known_images_rewind(&known);
    }
    CU_ASSERT_PTR_NULL(known_images_find(&known, 4));
    CU_ASSERT_PTR_EQUAL(known_images_find(&known, 6), &known.items[4]);
    known_images_destroy(&known);
    known_images_destroy(&known);
}

static int compare_names(const void *a, const void *b)
{
    return strcasecmp(a, b);
}

// Many images of one name, among them those whose names look like numbered ones.
static void test_many_names(void)
{
    enum { MANY = 30000 };
    struct folder_names *names;
    char(*given)[FOLDER_NAME_MAX + 1] = calloc(MANY, sizeof *given);
    CU_ASSERT_PTR_NOT_NULL_FATAL(given);
    UNIT_OK(folder_names_create(&names, "nowhere", FOLDERS_FLAT));
    for (int i = 0; i < MANY; i++) {
        snprintf(given[i], sizeof given[i], i % 3 == 0 ? "image-%d" : i % 3 == 1 ? "image" : "IMAGE", i / 2);
        UNIT_OK(folder_names_claim(names, given[i]));
    }
    qsort(given, MANY, sizeof *given, compare_names);
    int same = 0;
    for (int i = 1; i < MANY; i++)
        same += strcasecmp(given[i - 1], given[i]) == 0;
    CU_ASSERT_EQUAL(same, 0);
    folder_names_destroy(&names);
    free(given);
}

static void test_pictures(void)
{
    enter("pictures");
    CU_ASSERT(picture_has_name("a.b/c.JPG") && picture_has_name("x.tiff") && picture_has_name(".png"));
    CU_ASSERT(picture_has_name("a.HEIC") && picture_has_name("a.tga") && picture_has_name("a.j2k") && picture_has_name("a.pgm"));
    CU_ASSERT(!picture_has_name("a.png/c") && !picture_has_name("png") && !picture_has_name("a.pngx") && !picture_has_name("a."));
    static const struct {
        const char *bytes;
        size_t size;
        bool is;
    } files[] = {
        {png, 8, true},
        {png, 7, false},
        {"\xff\xd8\xff\xe0", 4, true},
        {"II*\0", 4, true},
        {"MM\0*", 4, true},
        {"MM\0+", 4, true},
        {"RIFF\1\2\3\4WEBPVP8L", 16, true},
        {"RIFF\1\2\3\4WAVEfmt ", 16, false},
        {"GIF89a", 6, true},
        {"\0\0\0\x20"
         "ftypavif",
         12, true},
        {"\0\0\0\x20"
         "ftypheic",
         12, true},
        {"\0\0\0\x20"
         "ftypisom",
         12, false},
        {"\0\0\0\x0cJXL \r\n\x87\n", 12, true},
        {"\0\0\0\x0cjP  \r\n\x87\n", 12, true},
        {"\xff\x4f\xff\x51", 4, true},
        {"\x76\x2f\x31\x01", 4, true},
        {"SIMPLE  =                    T", 30, true},
        {"SIMPLE  = but no picture       ", 31, false},
        {"#?RADIANCE\n", 11, true},
        {"P6\n1 1", 6, true},
        {"P6 is a processor", 17, false},
        {"PF\n1 1", 6, true},
        {"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\1\0\0\0\1\0\0\0", 26, true},
        {"BMW is a maker of motorcars, no picture", 38, false},
        {"", 0, false},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put("file", files[i].bytes, files[i].size);
        CU_ASSERT_EQUAL(picture_has_content("file"), files[i].is);
    }
    CU_ASSERT(!picture_has_content("gone") && !picture_has_content("."));
    CU_ASSERT_EQUAL_FATAL(mkfifo("pipe", 0600), 0);
    CU_ASSERT(!picture_has_content("pipe")); // and does not wait for a writer
}

static const struct unit_test tests[] = {
    {"files and urls", test_files_and_urls},
    {"noise", test_noise},
    {"folders called like noise", test_noisy_folder},
    {"folders", test_folders},
    {"folder that may not be read", test_folder_that_may_not_be_read},
    {"globs", test_globs},
    {"nearly addresses", test_nearly_addresses},
    {"lists", test_lists},
    {"hostile lists", test_hostile_lists},
    {"lists are streamed", test_lists_are_streamed},
    {"names between NULs", test_names_between_nuls},
    {"pipes", test_pipes},
    {"outputs are not inputs", test_outputs_are_not_inputs},
    {"runs are no inputs", test_runs_are_no_inputs},
    {"names", test_names},
    {"unique names", test_unique_names},
    {"grouped names", test_grouped_names},
    {"names in a tree", test_names_in_a_tree},
    {"known images", test_known_images},
    {"many names", test_many_names},
    {"pictures", test_pictures},
};
UNIT_MAIN_IN_SCRATCH("intake", tests)
