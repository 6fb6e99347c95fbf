// SPDX-License-Identifier: MIT
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/system/file.h"
#include "common/system/log.h"
#include "common/system/text.h"
#include "report/study/study.h"

extern char **environ;

static void print_data(const struct study *study, FILE *stream)
{
    fputs("$data << END\n", stream);
    for (size_t i = 0; i < study->group_count; i++) {
        const struct study_group *group = &study->groups[i];
        fprintf(stream, "%d %.9g %.9g %.9g %.9g %.9g %.9g\n", study->crowded ? group->ranks : group->workers, group->median, group->least,
                group->most, group->speed_up, group->efficiency, group->ideal);
    }
    fputs("END\n", stream);
}

// Whether there are so many times more workers in the end that both axes are logarithmic, where the ideal is a straight line.
static bool print_axis(const struct study *study, FILE *stream)
{
    int least = 0, most = 0;
    fputs("set xtics (", stream);
    for (size_t i = 0; i < study->group_count; i++) {
        const int at = study->crowded ? study->groups[i].ranks : study->groups[i].workers;
        fprintf(stream, "%s%d", i ? ", " : "", at);
        least = i == 0 || at < least ? at : least;
        most = at > most ? at : most;
    }
    fputs(")\n", stream);
    const bool wide = most >= 8 * least;
    if (wide)
        fprintf(stream, "set logscale x 2\nset xrange [%g:%g]\n", least / 1.3, most * 1.3);
    else
        fprintf(stream, "set xrange [%g:%g]\n", least - 0.4, most + 0.4);
    return wide;
}

void study_plot_script(const struct study *study, FILE *stream)
{
    static const char points[] = "with yerrorlines lw 2 pt 7 ps 0.6 lc rgb '#4338a8'",
                      ideal[] = "with lines dt 2 lw 1.5 lc rgb '#8a8580' title 'ideal'",
                      line[] = "with linespoints lw 2 pt 7 ps 0.6 lc rgb '#4338a8'";
    print_data(study, stream);
    fprintf(stream, "set terminal svg size %d,360 font 'Helvetica,13' background '#ffffff' noenhanced\n", study->crowded ? 520 : 1140);
    fputs("set border 3 lc rgb '#8a8580'\nset tics nomirror textcolor rgb '#3c3833'\nset grid ytics lc rgb '#d8d4ce'\n"
          "set key left bottom Left reverse\nset yrange [0:*]\n",
          stream);
    const bool wide = print_axis(study, stream);
    fprintf(stream, "set xlabel '%s'\n", study->crowded ? "ranks" : "workers");
    if (study->crowded) {
        fprintf(stream,
                "set title 'Times by number of ranks, on shared cores'\nset ylabel 'seconds'\nplot $data using 1:2:3:4 %s notitle\n",
                points);
        return;
    }
    fprintf(stream, "set multiplot layout 1,3 title '%s scaling, base %d worker%s'\n", study->kind == STUDY_STRONG ? "Strong" : "Weak",
            study->groups[0].workers, PLURAL(study->groups[0].workers));
    if (wide)
        fputs("set logscale y 2\nset yrange [*:*]\n", stream);
    fprintf(stream,
            "set title 'Time'\nset ylabel 'seconds'\nplot $data using 1:(%.9g%s) %s, $data using 1:2:3:4 %s title 'median, min..max'\n",
            study->groups[0].median, study->kind == STUDY_STRONG ? "/$7" : "", ideal, points);
    fprintf(stream,
            "set title 'Speed-up'\nset key left top\nset ylabel 'times as fast'\nplot $data using 1:7 %s, $data using 1:5 %s title "
            "'measured'\n",
            ideal, line);
    fprintf(stream,
            "set title 'Efficiency'\nunset logscale y\nset ylabel 'of the ideal'\nset yrange [0:1.2]\nset key left bottom\n"
            "plot $data using 1:(1) %s, $data using 1:6 %s title 'measured'\nunset multiplot\n",
            ideal, line);
}

// Runs gnuplot on the script; 0, or what the system says of it, or -1 where gnuplot itself failed.
static int run_gnuplot(int script, int svg)
{
    static char name[] = "gnuplot";
    char *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int state = 0, error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    if ((error = posix_spawn_file_actions_adddup2(&actions, script, STDIN_FILENO)) == 0 &&
        (error = posix_spawn_file_actions_adddup2(&actions, svg, STDOUT_FILENO)) == 0)
        error = posix_spawnp(&child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return error;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return errno;
    if (WIFEXITED(state) && WEXITSTATUS(state) == 127) // how posix_spawn() says it where it cannot tell at once, as under qemu-user
        return ENOENT;
    return WIFEXITED(state) && WEXITSTATUS(state) == 0 ? 0 : -1;
}

enum status study_plot(const struct study *study, const char *folder, bool *plotted)
{
    struct file_writer writer;
    char path[FILE_PATH_MAX], name[16];
    int descriptor;
    enum status rc;
    *plotted = false;
    TRY(file_create_nameless(folder, &descriptor));
    FILE *script = fdopen(descriptor, "w");
    if (!script) {
        close(descriptor);
        return no_memory("for a plot");
    }
    study_plot_script(study, script);
    if (fflush(script) != 0 || lseek(descriptor, 0, SEEK_SET) != 0)
        TRY_OUT(fail(STATUS_IO, "cannot write the plot: %s", strerror(errno)));
    snprintf(name, sizeof name, "%s.svg", study_name(study));
    TRY_OUT(file_join(path, folder, name));
    TRY_OUT(file_create(&writer, path));
    const int error = run_gnuplot(descriptor, fileno(writer.stream));
    *plotted = error == 0;
    if (error == 0) {
        rc = file_commit(&writer);
        goto out;
    }
    file_abandon(&writer);
    if (error == ENOENT)
        log_warning("gnuplot is not installed, so that there is no plot: install gnuplot-nox; the tables are complete");
    else
        log_warning("gnuplot failed%s%s, so that there is no plot; the tables are complete", error > 0 ? ": " : "",
                    error > 0 ? strerror(error) : "");
out:
    fclose(script);
    return rc;
}
