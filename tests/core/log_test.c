/* log_test.c - which signals ask the program to stop, and which end it. */
#include "core/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ASKED_TO_STOP = 40, NOT_ASKED = 41, WRONG_SIGNAL = 42 };

/* The flag cannot be taken back: each play has a process of its own. Its exit code, or minus the
 * signal that ended it. */
static int play(const int *signals, size_t count, void (*before)(int number))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGHUP, before);
        stop_on_signals();
        for (size_t i = 0; i < count; i++)
            raise(signals[i]);
        if (!stop_requested())
            _exit(NOT_ASKED);
        _exit(stop_signal() == signals[count - 1] ? ASKED_TO_STOP : WRONG_SIGNAL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void signals_ask_to_stop_and_the_second_ends_at_once(void **state)
{
    static const struct {
        int signals[2];
        size_t count;
        int wanted;
    } rows[] = {
        {{SIGINT}, 1, ASKED_TO_STOP},
        {{SIGTERM}, 1, ASKED_TO_STOP},
        {{SIGHUP}, 1, ASKED_TO_STOP},
        {{SIGHUP, SIGHUP}, 2, ASKED_TO_STOP}, /* from the kernel and from the shell */
        {{SIGHUP, SIGTERM}, 2, -SIGTERM},
        {{SIGINT, SIGINT}, 2, -SIGINT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(play(rows[i].signals, rows[i].count, SIG_DFL), rows[i].wanted);
}

static void under_nohup_a_closed_terminal_is_nothing(void **state)
{
    (void)state;
    const int hang_up = SIGHUP;
    assert_int_equal(play(&hang_up, 1, SIG_IGN), NOT_ASKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_ask_to_stop_and_the_second_ends_at_once),
        cmocka_unit_test(under_nohup_a_closed_terminal_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
