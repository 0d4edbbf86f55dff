/* health.c - reads /proc/self and the process's clocks. */
#include "replay/health.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"

/* Second field of /proc/self/statm (proc(5)): resident pages. */
static uint64_t read_rss_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long total_pages, resident_pages = 0;
    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &total_pages, &resident_pages) != 2)
        resident_pages = 0;
    fclose(file);
    return (uint64_t)resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Since Linux 6.2 the directory's size is the count; before, it has to be counted. */
static uint64_t count_open_files(void)
{
    struct stat status;
    if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0)
        return (uint64_t)status.st_size;
    DIR *directory = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (!directory)
        return 0;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count - 1; /* the directory itself */
}

/* "TCP: inuse 5 orphan 0 tw 3 alloc 8 mem 1" of /proc/net/sockstat. */
static uint64_t count_time_wait(void)
{
    FILE *file = fopen("/proc/net/sockstat", "re");
    char line[256];
    unsigned long long count = 0;
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "TCP: inuse %*u orphan %*u tw %llu", &count) == 1)
            break;
    }
    fclose(file);
    return count;
}

void health_read(struct health_meter *meter, struct health *ret_health)
{
    uint64_t cpu_us = clock_process_cpu_us();
    *ret_health = (struct health){.cpu_us = cpu_us - meter->cpu_us,
                                  .rss_bytes = read_rss_bytes(),
                                  .open_files = count_open_files(),
                                  .time_wait = count_time_wait()};
    meter->cpu_us = cpu_us;
}

int health_open_thread(void)
{
    return open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
}

/* "RAN_NS WAITED_NS TIMES" (Documentation/scheduler/sched-stats.rst). */
uint64_t health_thread_wait_us(int fd)
{
    char text[96];
    unsigned long long ran_ns, waited_ns;
    ssize_t len = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);
    if (len <= 0)
        return 0;
    text[len] = '\0';
    return sscanf(text, "%llu %llu", &ran_ns, &waited_ns) == 2 ? waited_ns / 1000 : 0;
}

uint32_t health_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    return 1;
}

uint64_t health_ports_in_use(struct port_meter *meter, uint64_t made, uint64_t open,
                             uint64_t time_wait)
{
    uint32_t at = meter->second++ % TIME_WAIT_SECONDS;
    uint64_t closed_before = meter->closed[at];
    meter->made += made;
    uint64_t closed = meter->made > open ? meter->made - open : 0;
    meter->closed[at] = closed;
    uint64_t waiting = closed > closed_before ? closed - closed_before : 0;
    return open + (waiting < time_wait ? waiting : time_wait);
}

uint64_t health_port_count(void)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    unsigned first = 0, last = 0;
    if (!file)
        return 0;
    bool is_range = fscanf(file, "%u %u", &first, &last) == 2 && first <= last && last <= 65535;
    fclose(file);
    return is_range ? last - first + 1 : 0;
}

uint64_t health_max_files(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : (uint64_t)limit.rlim_cur;
}
