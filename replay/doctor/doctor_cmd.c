/* doctor_cmd.c - `reprise doctor`: its options, where the target is, and the findings on a page. */
#include "replay/doctor/doctor_cmd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/cli.h"
#include "core/url.h"
#include "replay/doctor/doctor.h"
#include "replay/plan/pacing.h"

/* Addresses are written as the words of memory they are, in hexadecimal. */
static void write_key(char *out, size_t size, const struct sockaddr *address)
{
    const void *bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
    size_t words = 1, len = 0;
    uint32_t word;
    if (address->sa_family == AF_INET6) {
        bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        words = 4;
    }
    for (size_t i = 0; i < words; i++) {
        memcpy(&word, (const char *)bytes + 4 * i, 4);
        len += (size_t)snprintf(out + len, size - len, "%08X", word);
    }
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
    const struct sockaddr_in *four = (const void *)address;
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

static bool is_own(const struct sockaddr *address)
{
    struct ifaddrs *all = NULL;
    char key[36], other[36];
    bool is_found = is_loopback(address);
    if (is_found || getifaddrs(&all))
        return is_found;
    write_key(key, sizeof key, address);
    for (const struct ifaddrs *at = all; at && !is_found; at = at->ifa_next) {
        if (!at->ifa_addr || at->ifa_addr->sa_family != address->sa_family)
            continue;
        write_key(other, sizeof other, at->ifa_addr);
        is_found = strcmp(key, other) == 0;
    }
    freeifaddrs(all);
    return is_found;
}

static int find_target(struct doctor_target *target, const char *text, struct error *err)
{
    struct url url;
    char host[256];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
    if (url_parse(bytes_of(text), &url) || url.host.len >= sizeof host)
        return error_set(err, EXIT_INPUT,
                         "doctor: --target '%s': expected http://HOST[:PORT] or https://", text);
    memcpy(host, url.host.ptr, url.host.len);
    host[url.host.len] = '\0';
    int code = getaddrinfo(host, NULL, &hints, &all);
    if (code)
        return error_set(err, EXIT_INPUT,
                         "doctor: --target: %s: %s; is the name right? 'getent ahosts %s' shows "
                         "what this machine makes of it",
                         host, gai_strerror(code), host);
    target->url = text;
    target->port = url.port;
    for (const struct addrinfo *at = all; at; at = at->ai_next) {
        bool is_ip = at->ai_family == AF_INET || at->ai_family == AF_INET6;
        if (!is_ip || target->address_count == DOCTOR_MAX_ADDRESSES)
            continue;
        write_key(target->addresses[target->address_count++], sizeof *target->addresses,
                  at->ai_addr);
        target->is_here |= is_own(at->ai_addr);
    }
    freeaddrinfo(all);
    return 0;
}

static const char *coloured(bool has_colour, enum doctor_level level)
{
    static const char *const plain[] = {"✓", "!", "✗"};
    static const char *const colours[] = {"\033[32m✓\033[0m", "\033[33m!\033[0m",
                                          "\033[31m✗\033[0m"};
    return has_colour ? colours[level] : plain[level];
}

void doctor_print(const struct doctor_report *report, const struct doctor_target *target,
                  bool has_colour, FILE *out)
{
    unsigned counts[3] = {0};
    fprintf(out, "%llu users%s%s\n\n", (unsigned long long)report->users,
            target->url ? " against " : "", target->url ? target->url : "");
    for (uint32_t i = 0; i < report->count; i++) {
        const struct doctor_finding *finding = &report->findings[i];
        counts[finding->level]++;
        fprintf(out, "  %s %-20s%s\n", coloured(has_colour, finding->level), finding->name,
                finding->found);
        if (finding->meaning[0])
            fprintf(out, "  %22s%s\n", "", finding->meaning);
        if (finding->command[0])
            fprintf(out, "  %22s-> %s\n", "", finding->command);
    }
    fprintf(out, "\n%u problems, %u warnings", counts[DOCTOR_PROBLEM], counts[DOCTOR_WARNING]);
    if (counts[DOCTOR_PROBLEM])
        fprintf(out, ": as it is, this machine does not carry %llu users",
                (unsigned long long)report->users);
    fputc('\n', out);
}

static int print(const struct doctor_report *report, const struct doctor_target *target,
                 bool is_json, struct error *err)
{
    const char *no_colour = getenv("NO_COLOR"); /* no-color.org: any value that is not empty */
    if (is_json)
        return doctor_print_json(report, target, stdout, err);
    doctor_print(report, target, isatty(STDOUT_FILENO) && !(no_colour && *no_colour), stdout);
    if (fflush(stdout) || ferror(stdout))
        return error_set(err, EXIT_TOOL, "stdout: %s", strerror(errno));
    return 0;
}

int doctor_cmd(int argc, char **argv)
{
    const char *target_url = NULL;
    uint64_t users = 1000;
    bool is_json = false;
    const struct cli_option table[] = {
        {"target", 't', CLI_TEXT, &target_url, "URL",
         "count the ports in use to it, and look at its queues if it is this machine", NULL},
        {"users", 'u', CLI_NUMBER, &users, "N", "judge by so many users at once (1000)", NULL},
        {"json", 0, CLI_FLAG, &is_json, NULL, "print JSON instead of text", NULL},
        {0}};
    const struct cli_verb verb = {
        .name = "doctor",
        .summary = "say what of this machine would stop or spoil a replay, and what to change",
        .usage = "[options]",
        .examples =
            "  reprise doctor\n"
            "  reprise doctor --users 20000 --target http://127.0.0.1:8080\n"
            "  reprise doctor --users 20000 --json | jq -r '.findings[].command // empty'\n",
        .options = table};
    struct cli_arguments arguments;
    enum cli_outcome outcome;
    struct error err = {0};
    struct doctor_target target = {0};
    struct doctor_facts facts;
    struct doctor_report report;
    if (cli_parse(&verb, argc, argv, &arguments, &outcome, &err))
        return error_report(&err);
    if (outcome == CLI_HELP_SHOWN)
        return EXIT_DONE;
    if (arguments.count)
        error_set(&err, EXIT_INPUT, "doctor: '%s' is too much; 'reprise doctor --help' shows how",
                  arguments.items[0]);
    else if (users == 0 || users > STAGES_MAX_USERS)
        error_set(&err, EXIT_INPUT, "doctor: --users has to be 1 to %d", STAGES_MAX_USERS);
    else if (target_url)
        find_target(&target, target_url, &err);
    if (err.exit_code)
        return error_report(&err);
    doctor_read("", &target, &facts);
    doctor_judge(&facts, &target, users, &report);
    if (print(&report, &target, is_json, &err))
        return error_report(&err);
    return doctor_worst(&report) == DOCTOR_PROBLEM ? EXIT_TOOL : EXIT_DONE;
}
