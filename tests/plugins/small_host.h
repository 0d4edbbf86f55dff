/*
 * small_host.h - a plugin as it is loaded, before a host of one user that keeps what it is told. A
 * test adds what else its plugin calls, and what else is to be kept:
 *
 *     #define HOST_KEEPS char url[200];
 *     #include "tests/plugins/small_host.h"
 *
 *     host_prepare(&(reprise_host){.set_url = set_url}) --> (change host.call) --> host_start -->
 * the plugin's callbacks --> host_stop
 */
#ifndef REPRISE_TESTS_PLUGINS_SMALL_HOST_H
#define REPRISE_TESTS_PLUGINS_SMALL_HOST_H

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/reprise_plugin.h"

#ifndef HOST_KEEPS
#define HOST_KEEPS
#endif

enum { HOST_METRICS = 16, HOST_STEPS = 32 };

static const reprise_plugin *plugin;

static struct {
    reprise_host table;
    reprise_call call;
    char error[400], log[4000]; /* of the log all lines, of errors the last */
    uint64_t counted[HOST_METRICS], last[HOST_METRICS];
    uint32_t marks[HOST_STEPS];
    uint64_t delay_us;
    HOST_KEEPS
} host;

static inline reprise_bytes text_of(const char *text)
{
    return (reprise_bytes){text, strlen(text)};
}

static inline void host_delay_us(const reprise_call *call, uint64_t delay)
{
    (void)call;
    host.delay_us = delay;
}

static inline void host_record(const reprise_call *call, uint32_t metric, uint64_t value)
{
    (void)call;
    host.counted[metric]++;
    host.last[metric] = value;
}

static inline void host_log(const reprise_call *call, enum reprise_log_level level,
                            const char *format, ...)
{
    (void)call, (void)level;
    size_t used = strlen(host.log);
    va_list list;
    va_start(list, format);
    vsnprintf(host.log + used, sizeof host.log - used, format, list);
    va_end(list);
    used = strlen(host.log);
    snprintf(host.log + used, sizeof host.log - used, "\n");
}

static inline void host_error(const reprise_call *call, const char *format, ...)
{
    (void)call;
    va_list list;
    va_start(list, format);
    vsnprintf(host.error, sizeof host.error, format, list);
    va_end(list);
}

static inline int host_mark(const reprise_call *call, uint32_t step, uint32_t value)
{
    (void)call;
    host.marks[step] = value;
    return 0;
}

/* Writes `value`, as text, into the field of the option's type. */
static inline void host_set_option(const reprise_option *option, const char *value)
{
    char *field = (char *)host.call.plugin + option->offset;
    if (option->type == REPRISE_STRING)
        *(const char **)field = value;
    else if (option->type == REPRISE_NUMBER)
        *(uint64_t *)field = strtoull(value, NULL, 10);
    else if (option->type == REPRISE_DURATION) /* in tests: seconds or minutes */
        *(uint64_t *)field = strtoull(value, NULL, 10) * (strchr(value, 'm') ? 60000000 : 1000000);
    else
        fail_msg("an option of another type");
}

/* Nothing is kept any more; what `calls` has not, and every plugin may call, is the host's. */
static inline void host_prepare(const reprise_host *calls)
{
    memset(&host, 0, sizeof host);
    host.table = *calls;
    host.table.size = sizeof host.table;
    host.table.abi_major = REPRISE_ABI_MAJOR;
    host.table.abi_minor = REPRISE_ABI_MINOR;
    host.table.delay_us = host_delay_us;
    host.table.record = host_record;
    host.table.log = host_log;
    host.table.error = host_error;
    host.table.mark = host_mark;
    host.call = (reprise_call){.host = &host.table,
                               .plugin = calloc(1, plugin->plugin_size),
                               .user = calloc(1, plugin->user_size)};
}

/* Options are name, value, ..., NULL. What start() answers. */
static inline int host_start(const char *const *options)
{
    for (const reprise_option *option = plugin->options; option->name; option++)
        host_set_option(option, option->fallback);
    for (; *options; options += 2)
        for (const reprise_option *option = plugin->options; option->name; option++)
            if (strcmp(option->name, options[0]) == 0)
                host_set_option(option, options[1]);
    return plugin->start(&host.call);
}

/* What a test's own start_with() makes of them: START("kind", "tone"). */
#define START(...) start_with((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static inline void host_stop(void)
{
    if (plugin->on_session_end)
        plugin->on_session_end(&host.call);
    plugin->stop(&host.call);
    free(host.call.plugin);
    free(host.call.user);
}

/* Loads the plugin for the tests of a main(), whose exit code is the result. */
static inline int host_run_tests(const char *path, const struct CMUnitTest *tests, size_t count)
{
    void *module = dlopen(path, RTLD_NOW);
    const reprise_plugin *(*entry)(void) = NULL;
    if (module)
        *(void **)&entry = dlsym(module, "reprise_plugin_entry");
    if (!entry) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    plugin = entry();
    int failed = _cmocka_run_group_tests(path, tests, count, NULL, NULL);
    dlclose(module);
    return failed;
}
#define RUN_LOADED(name, tests)                                                                    \
    host_run_tests(TEST_BINARY_DIR "/reprise-plugins/" name ".so", tests,                          \
                   sizeof(tests) / sizeof(tests)[0])

#endif
