/*
 * measure.c - runs a command and writes what it used: CPU, memory, time.
 *
 *   usage: measure REPORT COMMAND [ARGUMENT...]
 *
 * REPORT gets one line: user and system CPU seconds, peak resident KiB, wall seconds, exit code.
 * SIGINT and SIGTERM are passed on to the command, so that `kill` on this process ends it in order.
 * The exit code is the command's.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void pass_on(int number)
{
    if (child > 0)
        kill((pid_t)child, number);
}

static double wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static pid_t start(char **command)
{
    struct sigaction action = {.sa_handler = pass_on};
    sigset_t stops, before;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    /* A signal that comes before the child is known waits until it is. */
    sigprocmask(SIG_BLOCK, &stops, &before);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    child = pid;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    if (argc < 3) {
        fputs("usage: measure REPORT COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    double started_s = wall_s();
    pid_t pid = start(argv + 2);
    if (pid < 0) {
        perror("measure: fork");
        return 1;
    }
    while (wait4(pid, &status, 0, &usage) < 0)
        continue; /* a signal that was passed on */
    double taken_s = wall_s() - started_s;
    int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *report = fopen(argv[1], "w");
    if (!report) {
        perror(argv[1]);
        return 1;
    }
    fprintf(report, "%.6f %.6f %ld %.6f %d\n", seconds(usage.ru_utime), seconds(usage.ru_stime),
            usage.ru_maxrss, taken_s, exit_code);
    return fclose(report) ? 1 : exit_code;
}
