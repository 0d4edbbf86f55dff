/* open_files.c - raises the limit on descriptors, and has the kernel's table grow ahead of time. */
#include "replay/open_files.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MAX_RESERVED = 65536 };

/* A descriptor with a high number makes the table as long; it stays so when that is closed. */
static void grow_table(uint64_t limit)
{
    int highest = (int)(limit < MAX_RESERVED ? limit : MAX_RESERVED) - 1;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0)
        return;
    int fd = fcntl(null, F_DUPFD_CLOEXEC, highest);
    if (fd >= 0)
        close(fd);
    close(null);
}

uint64_t open_files_prepare(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0)
        limit = raised;
    grow_table(limit.rlim_cur);
    return limit.rlim_cur;
}
