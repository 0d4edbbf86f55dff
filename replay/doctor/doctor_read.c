/* doctor_read.c - reads this machine's limits from /proc and /sys, or from a copy of them. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "replay/doctor/doctor.h"

/* A line of /proc/net/tcp has some 150 bytes, of /proc/stat some 200; longer ones are cut. */
enum { LINE_BYTES = 512, MAX_LINES = 1 << 20 };

static FILE *open_file(const char *root, const char *name)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s%s", root, name) >= (int)sizeof path)
        return NULL;
    return fopen(path, "re");
}

/* The first line without its end; empty when there is none. */
static void read_line(const char *root, const char *name, char *line, size_t size)
{
    FILE *file = open_file(root, name);
    line[0] = '\0';
    if (!file)
        return;
    if (!fgets(line, (int)size, file))
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

/* "unlimited" is as much as can be said; what begins with no digit is not known. */
static uint64_t number_of(const char *text)
{
    char *end;
    while (*text == ' ' || *text == '\t')
        text++;
    if (strncmp(text, "unlimited", 9) == 0)
        return UINT64_MAX - 1;
    if (*text < '0' || *text > '9')
        return DOCTOR_UNKNOWN;
    unsigned long long value = strtoull(text, &end, 10);
    return value < DOCTOR_UNKNOWN ? value : DOCTOR_UNKNOWN - 1;
}

static uint64_t read_number(const char *root, const char *name)
{
    char line[LINE_BYTES];
    read_line(root, name, line, sizeof line);
    return number_of(line);
}

/* The n-th word from 0, or "". */
static const char *word_of(const char *line, int n)
{
    for (; n >= 0; n--) {
        line += strspn(line, " \t");
        if (n == 0)
            return line;
        line += strcspn(line, " \t");
    }
    return "";
}

static uint64_t read_word(const char *root, const char *name, int n)
{
    char line[LINE_BYTES];
    read_line(root, name, line, sizeof line);
    return number_of(word_of(line, n));
}

/* The rest of the line that begins with `key`; false when there is none. */
static bool find_line(const char *root, const char *name, const char *key, char *rest, size_t size)
{
    char line[LINE_BYTES];
    bool is_found = false;
    FILE *file = open_file(root, name);
    rest[0] = '\0';
    if (!file)
        return false;
    for (int i = 0; i < MAX_LINES && !is_found && fgets(line, sizeof line, file); i++) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(rest, size, "%s", line + strlen(key));
        is_found = true;
    }
    fclose(file);
    return is_found;
}

static uint64_t find_number(const char *root, const char *name, const char *key, int word)
{
    char rest[LINE_BYTES];
    find_line(root, name, key, rest, sizeof rest);
    return number_of(word_of(rest, word));
}

/* "0-3,8": how many that is. */
static uint64_t count_of_list(const char *list)
{
    uint64_t count = 0;
    list += strspn(list, " \t");
    while (*list >= '0' && *list <= '9') {
        char *end;
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        if (last < first || last - first > 65535)
            return DOCTOR_UNKNOWN;
        count += last - first + 1;
        list = *end == ',' ? end + 1 : end;
    }
    return count ? count : DOCTOR_UNKNOWN;
}

static bool is_target(const struct doctor_target *target, const char *address, unsigned port)
{
    for (uint32_t i = 0; i < target->address_count; i++) {
        if (port == target->port && strcmp(address, target->addresses[i]) == 0)
            return true;
    }
    return false;
}

/* "  0: 0100007F:1F90 0200007F:C350 06 ...": state 6 is TIME_WAIT, 10 listens. */
static bool count_connections(const char *root, const char *name,
                              const struct doctor_target *target, struct doctor_facts *facts)
{
    char line[LINE_BYTES], address[40];
    unsigned port, state;
    FILE *file = open_file(root, name);
    if (!file)
        return false;
    for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, file); i++) {
        if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%*x %39[0-9A-Fa-f]:%x %x", address, &port, &state) !=
                3 ||
            !is_target(target, address, port))
            continue;
        if (state == 6)
            facts->target_time_wait++;
        else if (state != 10)
            facts->target_open++;
    }
    fclose(file);
    return true;
}

static void read_ports(const char *root, const struct doctor_target *target,
                       struct doctor_facts *facts)
{
    facts->port_first = read_word(root, "/proc/sys/net/ipv4/ip_local_port_range", 0);
    facts->port_last = read_word(root, "/proc/sys/net/ipv4/ip_local_port_range", 1);
    if (facts->port_first > 65535 || facts->port_last > 65535 ||
        facts->port_first > facts->port_last)
        facts->port_first = facts->port_last = DOCTOR_UNKNOWN;
    facts->tw_reuse = read_number(root, "/proc/sys/net/ipv4/tcp_tw_reuse");
    facts->somaxconn = read_number(root, "/proc/sys/net/core/somaxconn");
    facts->syn_backlog = read_number(root, "/proc/sys/net/ipv4/tcp_max_syn_backlog");
    facts->target_open = facts->target_time_wait = 0;
    bool has_four = count_connections(root, "/proc/net/tcp", target, facts);
    bool has_six = count_connections(root, "/proc/net/tcp6", target, facts);
    if (!target->address_count || (!has_four && !has_six))
        facts->target_open = facts->target_time_wait = DOCTOR_UNKNOWN;
}

static void read_files(const char *root, struct doctor_facts *facts)
{
    facts->files_soft = find_number(root, "/proc/self/limits", "Max open files", 0);
    facts->files_hard = find_number(root, "/proc/self/limits", "Max open files", 1);
    facts->file_max = read_number(root, "/proc/sys/fs/file-max");
    facts->nr_open = read_number(root, "/proc/sys/fs/nr_open");
}

/* "cpu  user nice system idle iowait irq softirq steal ...", since the machine started. */
static double read_steal(const char *root)
{
    char rest[LINE_BYTES];
    double all = 0, steal = 0;
    find_line(root, "/proc/stat", "cpu ", rest, sizeof rest);
    for (int i = 0; i < 8; i++) {
        uint64_t ticks = number_of(word_of(rest, i));
        if (ticks == DOCTOR_UNKNOWN)
            return 0;
        all += (double)ticks;
        steal = i == 7 ? (double)ticks : 0;
    }
    return all > 0 ? 100 * steal / all : 0;
}

/* "QUOTA PERIOD" of control groups of the second kind; "max PERIOD" without a limit. */
static double read_quota(const char *root)
{
    uint64_t quota = read_word(root, "/sys/fs/cgroup/cpu.max", 0);
    uint64_t period = read_word(root, "/sys/fs/cgroup/cpu.max", 1);
    if (quota == DOCTOR_UNKNOWN || period == DOCTOR_UNKNOWN || period == 0)
        return 0;
    return (double)quota / (double)period;
}

/* Intel says whether it is off, the others whether it is on. */
static uint64_t read_turbo(const char *root)
{
    uint64_t is_off = read_number(root, "/sys/devices/system/cpu/intel_pstate/no_turbo");
    if (is_off != DOCTOR_UNKNOWN)
        return !is_off;
    uint64_t is_on = read_number(root, "/sys/devices/system/cpu/cpufreq/boost");
    return is_on == DOCTOR_UNKNOWN ? DOCTOR_UNKNOWN : is_on != 0;
}

static void read_processors(const char *root, struct doctor_facts *facts)
{
    char list[LINE_BYTES];
    find_line(root, "/proc/self/status", "Cpus_allowed_list:", list, sizeof list);
    facts->cpus_allowed = count_of_list(list);
    read_line(root, "/sys/devices/system/cpu/online", list, sizeof list);
    facts->cpus_online = count_of_list(list);
    facts->cpu_quota = read_quota(root);
    facts->steal_percent = read_steal(root);
    facts->has_turbo = read_turbo(root);
    facts->timer_slack_ns = read_number(root, "/proc/self/timerslack_ns");
    read_line(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", facts->governor,
              sizeof facts->governor);
    read_line(root, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
              facts->clock_source, sizeof facts->clock_source);
}

static uint64_t times(uint64_t number, uint64_t factor)
{
    return number > (UINT64_MAX - 1) / factor ? number : number * factor;
}

static void read_memory(const char *root, struct doctor_facts *facts)
{
    facts->memory_available_bytes =
        times(find_number(root, "/proc/meminfo", "MemAvailable:", 0), 1024);
    facts->tcp_memory_bytes =
        times(read_word(root, "/proc/sys/net/ipv4/tcp_mem", 1), (uint64_t)sysconf(_SC_PAGESIZE));
    facts->rmem_min_bytes = read_word(root, "/proc/sys/net/ipv4/tcp_rmem", 0);
    facts->wmem_min_bytes = read_word(root, "/proc/sys/net/ipv4/tcp_wmem", 0);
}

static void read_kernel(const char *root, struct doctor_facts *facts)
{
    char line[LINE_BYTES];
    unsigned long long capabilities;
    read_line(root, "/proc/sys/kernel/osrelease", line, sizeof line);
    if (sscanf(line, "%4u.%4u", &facts->kernel_major, &facts->kernel_minor) != 2)
        facts->kernel_major = facts->kernel_minor = 0;
    find_line(root, "/proc/self/status", "CapEff:", line, sizeof line);
    facts->capabilities =
        sscanf(line, " %16llx", &capabilities) == 1 ? capabilities : DOCTOR_UNKNOWN;
    facts->io_uring_disabled = read_number(root, "/proc/sys/kernel/io_uring_disabled");
}

void doctor_read(const char *root, const struct doctor_target *target,
                 struct doctor_facts *ret_facts)
{
    *ret_facts = (struct doctor_facts){0};
    read_files(root, ret_facts);
    read_ports(root, target, ret_facts);
    read_processors(root, ret_facts);
    read_memory(root, ret_facts);
    read_kernel(root, ret_facts);
}
