/* network_health.c - reads TCP_INFO (tcp(7)) and adds up what has changed. */
#include "replay/network_health.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

void network_health_init(struct network_health *health)
{
    *health = (struct network_health){0};
    histogram_init(&health->rtt);
    histogram_init(&health->min_rtt);
}

void network_health_fini(struct network_health *health)
{
    histogram_fini(&health->rtt);
    histogram_fini(&health->min_rtt);
}

void network_health_clear(struct network_health *health)
{
    histogram_clear(&health->rtt);
    histogram_clear(&health->min_rtt);
    *health = (struct network_health){.rtt = health->rtt, .min_rtt = health->min_rtt};
}

int network_health_merge(struct network_health *health, const struct network_health *other)
{
    health->connects_started += other->connects_started;
    health->connects_made += other->connects_made;
    health->connects_failed += other->connects_failed;
    health->no_ports += other->no_ports;
    health->no_files += other->no_files;
    health->segments_sent += other->segments_sent;
    health->segments_resent += other->segments_resent;
    health->most_waiting += other->most_waiting;
    if (histogram_merge(&health->rtt, &other->rtt) ||
        histogram_merge(&health->min_rtt, &other->min_rtt))
        return -1;
    return 0;
}

void network_health_look(struct network_health *health, int fd, struct tcp_seen *seen)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    memset(&info, 0, sizeof info); /* an older kernel fills less of it */
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
        return;
    health->segments_sent += info.tcpi_data_segs_out - seen->segments_sent;
    health->segments_resent += info.tcpi_total_retrans - seen->segments_resent;
    seen->segments_sent = info.tcpi_data_segs_out;
    seen->segments_resent = info.tcpi_total_retrans;
    /* The SYN counts as a byte that was acknowledged (RFC 4898, as Linux does it). */
    if (!info.tcpi_bytes_acked)
        return;
    health->connects_made += !seen->is_made;
    seen->is_made = true;
    histogram_record(&health->rtt, info.tcpi_rtt);
    /* Never measured is all ones. */
    if (info.tcpi_min_rtt && info.tcpi_min_rtt != UINT32_MAX)
        histogram_record(&health->min_rtt, info.tcpi_min_rtt);
}

void network_health_close(struct network_health *health, int fd, struct tcp_seen *seen)
{
    network_health_look(health, fd, seen);
    health->connects_failed += !seen->is_made;
}

void network_sampler_init(struct network_sampler *sampler)
{
    *sampler = (struct network_sampler){.next_use = 1, .stride = 1};
    network_health_init(&sampler->health);
}

void network_sampler_fini(struct network_sampler *sampler)
{
    network_health_fini(&sampler->health);
}

void network_sampler_look(struct network_sampler *sampler, int fd, struct tcp_seen *seen)
{
    network_health_look(&sampler->health, fd, seen);
    sampler->next_use = sampler->uses + sampler->stride;
    /* Many more uses than in the second before: that is enough of this one. */
    if (++sampler->looks >= NETWORK_MAX_LOOKS)
        sampler->next_use = UINT32_MAX;
}

int network_sampler_take(struct network_sampler *sampler, struct network_health *health)
{
    int result = network_health_merge(health, &sampler->health);
    network_health_clear(&sampler->health);
    sampler->stride = sampler->uses / NETWORK_LOOKS_PER_SECOND + 1;
    sampler->uses = 0;
    sampler->next_use = sampler->stride;
    sampler->looks = 0;
    return result;
}
