/* doctor_judge.c - what this machine's limits mean for so many users, and what to type. */
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "core/units.h"
#include "replay/doctor/doctor.h"

/*
 * What a user takes. One connection at least, and browsers have six. A connection is a descriptor
 * and a source port; a user with one takes 8 KiB with the native transport, 48 KiB with libcurl and
 * TLS; the program itself, its plan and its files the rest.
 */
enum {
    CONNECTIONS_OF_A_BROWSER = 6,
    OWN_FILES = 64,
    OWN_BYTES = 100 << 20,
    USER_BYTES = 8 << 10,
    LARGE_USER_BYTES = 48 << 10,
    TIME_WAIT_SECONDS = 60,
    CAP_NET_RAW_BIT = 13
};

struct judging {
    const struct doctor_facts *facts;
    const struct doctor_target *target;
    uint64_t users;
    struct doctor_report *report;
};

static void put(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, size, format, arguments);
    va_end(arguments);
}

#define FOUND(finding, ...) put((finding)->found, sizeof(finding)->found, __VA_ARGS__)
#define MEANS(finding, ...) put((finding)->meaning, sizeof(finding)->meaning, __VA_ARGS__)
#define TYPE(finding, ...) put((finding)->command, sizeof(finding)->command, __VA_ARGS__)

static struct doctor_finding *add(struct judging *at, const char *name)
{
    struct doctor_report *report = at->report;
    struct doctor_finding *finding = &report->findings[report->count];
    if (report->count + 1 < DOCTOR_MAX_FINDINGS)
        report->count++;
    *finding = (struct doctor_finding){.name = name};
    return finding;
}

static bool is_known(uint64_t number)
{
    return number != DOCTOR_UNKNOWN;
}

static unsigned long long many(uint64_t number)
{
    return (unsigned long long)number;
}

static void judge_files(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    uint64_t least = at->users + OWN_FILES;
    uint64_t most = at->users * CONNECTIONS_OF_A_BROWSER + OWN_FILES;
    if (!is_known(facts->files_hard))
        return;
    struct doctor_finding *finding = add(at, "open files");
    if (facts->files_hard == UINT64_MAX - 1)
        FOUND(finding, "no limit");
    else
        FOUND(finding, "at most %llu (a replay raises its own limit of %llu to that)",
              many(facts->files_hard), many(facts->files_soft));
    if (facts->files_hard >= most)
        return;
    finding->level = facts->files_hard < least ? DOCTOR_PROBLEM : DOCTOR_WARNING;
    MEANS(finding, "%llu users need %llu, and %llu with a browser's %d connections each",
          many(at->users), many(least), many(most), CONNECTIONS_OF_A_BROWSER);
    if (is_known(facts->nr_open) && facts->nr_open < most)
        TYPE(finding, "sudo sysctl -w fs.nr_open=%llu && sudo prlimit --pid $$ --nofile=%llu",
             many(most), many(most));
    else
        TYPE(finding, "sudo prlimit --pid $$ --nofile=%llu", many(most));
}

static void judge_file_max(struct judging *at)
{
    uint64_t file_max = at->facts->file_max, least = at->users + OWN_FILES;
    if (!is_known(file_max))
        return;
    struct doctor_finding *finding = add(at, "open files of all");
    FOUND(finding, "%llu (fs.file-max)", many(file_max));
    if (file_max >= 2 * least)
        return;
    finding->level = file_max < least ? DOCTOR_PROBLEM : DOCTOR_WARNING;
    MEANS(finding, "all programs share them, and %llu users need %llu", many(at->users),
          many(least));
    TYPE(finding, "sudo sysctl -w fs.file-max=%llu", many(4 * least));
}

static void judge_ports(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    uint64_t most = at->users * CONNECTIONS_OF_A_BROWSER;
    if (!is_known(facts->port_first))
        return;
    uint64_t count = facts->port_last - facts->port_first + 1;
    uint64_t used = is_known(facts->target_open) ? facts->target_open + facts->target_time_wait : 0;
    uint64_t left = count > used ? count - used : 0;
    struct doctor_finding *finding = add(at, "source ports");
    FOUND(finding, "%llu for each source address and target", many(count));
    if (used)
        put(finding->found + strlen(finding->found), sizeof finding->found - strlen(finding->found),
            ", to this one %llu in use and %llu in TIME_WAIT", many(facts->target_open),
            many(facts->target_time_wait));
    if (left >= most)
        return;
    finding->level = left < at->users ? DOCTOR_PROBLEM : DOCTOR_WARNING;
    MEANS(finding,
          "%llu users need one each, or %llu with a browser's connections: %llu source addresses "
          "(--bind) have that many",
          many(at->users), many(most), many((most + count - 1) / count));
    /* Below are ports that servers listen on. */
    if (count < 55536)
        TYPE(finding, "sudo sysctl -w net.ipv4.ip_local_port_range='10000 65535'");
    else
        TYPE(finding, "reprise replay ... --bind ADDRESS --bind ADDRESS ...");
}

/* 0: never; 1: for every target; 2: on loopback only, as kernels come. */
static void judge_time_wait(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    if (!is_known(facts->tw_reuse) || !is_known(facts->port_first))
        return;
    uint64_t per_second = (facts->port_last - facts->port_first + 1) / TIME_WAIT_SECONDS;
    bool is_reused = facts->tw_reuse == 1 || (facts->tw_reuse == 2 && at->target->is_here);
    struct doctor_finding *finding = add(at, "ports in TIME_WAIT");
    FOUND(finding, "net.ipv4.tcp_tw_reuse is %llu", many(facts->tw_reuse));
    if (is_reused || at->users <= per_second)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding,
          "a port is held for a minute after we close: not over %llu new connections a second "
          "from one source address",
          many(per_second));
    TYPE(finding, "sudo sysctl -w net.ipv4.tcp_tw_reuse=1");
}

/* Only a server on this machine has its queues here. */
static void judge_queue(struct judging *at, const char *name, const char *key, uint64_t length)
{
    if (!at->target->is_here || !is_known(length))
        return;
    struct doctor_finding *finding = add(at, name);
    FOUND(finding, "%llu (%s)", many(length), key);
    if (length >= at->users || length >= 65535)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding,
          "the target is this machine: of %llu users that come at once some wait a second "
          "for their SYN to be sent again",
          many(at->users));
    TYPE(finding, "sudo sysctl -w %s=%llu", key, many(at->users < 65535 ? at->users : 65535));
}

static void judge_processors(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    if (!is_known(facts->cpus_allowed))
        return;
    struct doctor_finding *finding = add(at, "processors");
    FOUND(finding, "%llu", many(facts->cpus_allowed));
    if (is_known(facts->cpus_online) && facts->cpus_online > facts->cpus_allowed)
        FOUND(finding, "%llu of %llu may be used", many(facts->cpus_allowed),
              many(facts->cpus_online));
    if (facts->cpu_quota > 0 && facts->cpu_quota < (double)facts->cpus_allowed) {
        finding->level = DOCTOR_WARNING;
        MEANS(finding,
              "the control group may use %.2g of them and is stopped when it has, and every stop "
              "is lateness: give the container whole ones (--cpuset-cpus, not --cpus)",
              facts->cpu_quota);
    } else if (facts->cpus_allowed < 2) {
        finding->level = DOCTOR_WARNING;
        MEANS(finding, "whatever else runs takes the only processor away%s",
              at->target->is_here ? ", the target first" : "");
    }
}

static void judge_governor(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    if (!facts->governor[0])
        return;
    struct doctor_finding *finding = add(at, "cpu governor");
    FOUND(finding, "%s%s", facts->governor, facts->has_turbo == 1 ? ", with turbo" : "");
    if (strcmp(facts->governor, "performance") == 0)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "the clock follows the load, and times follow the clock");
    TYPE(finding, "sudo cpupower frequency-set --governor performance");
}

static void judge_clock(struct judging *at)
{
    const char *source = at->facts->clock_source;
    static const char *const quick[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
                                        "arch_sys_counter"};
    if (!source[0])
        return;
    struct doctor_finding *finding = add(at, "clock");
    FOUND(finding, "%s", source);
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++) {
        if (strcmp(source, quick[i]) == 0)
            return;
    }
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "reading it is a system call, several for each request");
    TYPE(finding, "echo tsc | sudo tee "
                  "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

static void judge_timer_slack(struct judging *at)
{
    uint64_t slack_ns = at->facts->timer_slack_ns;
    char text[UNITS_TEXT_BYTES];
    if (!is_known(slack_ns))
        return;
    struct doctor_finding *finding = add(at, "timer slack");
    FOUND(finding, "%s", duration_format(text, sizeof text, (double)slack_ns / 1e3));
    if (slack_ns <= 50000)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "requests leave late by up to so much: start from a shell with the 50us that is "
                   "usual, or use --timing precise, which does not sleep");
}

static void judge_steal(struct judging *at)
{
    double percent = at->facts->steal_percent;
    if (percent <= 0)
        return;
    struct doctor_finding *finding = add(at, "stolen time");
    FOUND(finding, "%.2f%% since this machine started", percent);
    if (percent < 1)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "the host gives its processors to other guests, and times have that in them");
}

static void judge_memory(struct judging *at)
{
    uint64_t available = at->facts->memory_available_bytes;
    uint64_t least = OWN_BYTES + at->users * USER_BYTES;
    uint64_t most = OWN_BYTES + at->users * LARGE_USER_BYTES;
    char text[UNITS_TEXT_BYTES], least_text[UNITS_TEXT_BYTES], most_text[UNITS_TEXT_BYTES];
    if (!is_known(available))
        return;
    struct doctor_finding *finding = add(at, "memory");
    FOUND(finding, "%s available", size_format(text, sizeof text, (double)available));
    if (available >= most)
        return;
    finding->level = available < least ? DOCTOR_PROBLEM : DOCTOR_WARNING;
    MEANS(finding, "%llu users take %s, and %s with libcurl and TLS, beside the plan",
          many(at->users), size_format(least_text, sizeof least_text, (double)least),
          size_format(most_text, sizeof most_text, (double)most));
}

static void judge_buffers(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    char text[UNITS_TEXT_BYTES], need[UNITS_TEXT_BYTES];
    if (!is_known(facts->tcp_memory_bytes) || !is_known(facts->rmem_min_bytes) ||
        !is_known(facts->wmem_min_bytes))
        return;
    uint64_t least = at->users * (facts->rmem_min_bytes + facts->wmem_min_bytes);
    struct doctor_finding *finding = add(at, "socket buffers");
    FOUND(finding, "%s for all of TCP (net.ipv4.tcp_mem)",
          size_format(text, sizeof text, (double)facts->tcp_memory_bytes));
    if (facts->tcp_memory_bytes >= least)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "%llu connections with something to send or read take %s at the least",
          many(at->users), size_format(need, sizeof need, (double)least));
    uint64_t pages = 2 * least / (uint64_t)sysconf(_SC_PAGESIZE);
    TYPE(finding, "sudo sysctl -w net.ipv4.tcp_mem='%llu %llu %llu'", many(pages / 4 * 3),
         many(pages), many(pages / 2 * 3));
}

static void judge_capture(struct judging *at)
{
    uint64_t capabilities = at->facts->capabilities;
    if (!is_known(capabilities))
        return;
    struct doctor_finding *finding = add(at, "capture rights");
    bool may = capabilities >> CAP_NET_RAW_BIT & 1;
    FOUND(finding, "%s", may ? "may capture (CAP_NET_RAW)" : "none (CAP_NET_RAW)");
    if (may)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "'reprise capture -i' needs it; a replay does not");
    TYPE(finding, "sudo setcap cap_net_raw+ep $(command -v reprise)");
}

static void judge_kernel(struct judging *at)
{
    const struct doctor_facts *facts = at->facts;
    unsigned version = facts->kernel_major * 1000 + facts->kernel_minor;
    if (!version)
        return;
    struct doctor_finding *finding = add(at, "kernel");
    FOUND(finding, "%u.%u: epoll_pwait2 %s, io_uring %s", facts->kernel_major, facts->kernel_minor,
          version >= 5011 ? "yes" : "no",
          version < 5019                                                   ? "no"
          : facts->io_uring_disabled && is_known(facts->io_uring_disabled) ? "switched off"
                                                                           : "yes");
    if (version >= 5011)
        return;
    finding->level = DOCTOR_WARNING;
    MEANS(finding, "without epoll_pwait2 (Linux 5.11) each sleep costs one more system call");
}

void doctor_judge(const struct doctor_facts *facts, const struct doctor_target *target,
                  uint64_t users, struct doctor_report *ret_report)
{
    struct judging at = {facts, target, users, ret_report};
    ret_report->users = users;
    ret_report->count = 0;
    judge_files(&at);
    judge_file_max(&at);
    judge_ports(&at);
    judge_time_wait(&at);
    judge_queue(&at, "accept queue", "net.core.somaxconn", facts->somaxconn);
    judge_queue(&at, "SYN queue", "net.ipv4.tcp_max_syn_backlog", facts->syn_backlog);
    judge_processors(&at);
    judge_governor(&at);
    judge_clock(&at);
    judge_timer_slack(&at);
    judge_steal(&at);
    judge_memory(&at);
    judge_buffers(&at);
    judge_kernel(&at);
    judge_capture(&at);
}

enum doctor_level doctor_worst(const struct doctor_report *report)
{
    enum doctor_level worst = DOCTOR_OK;
    for (uint32_t i = 0; i < report->count; i++) {
        if (report->findings[i].level > worst)
            worst = report->findings[i].level;
    }
    return worst;
}

const char *doctor_level_name(enum doctor_level level)
{
    return level == DOCTOR_PROBLEM ? "problem" : level == DOCTOR_WARNING ? "warning" : "ok";
}
