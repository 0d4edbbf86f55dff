/* doctor_test.c - machines that are not this one: their /proc and /sys as a folder of small files.
 */
#include "replay/doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/random.h"
#include "replay/doctor/doctor_cmd.h"
#include "tests/support/folder.h"

struct file {
    const char *name, *text;
};

/* A machine with room for everything. */
static const struct file good[] = {
    {"proc/self/limits",
     "Limit                     Soft Limit           Hard Limit           Units\n"
     "Max processes             127000               127000               processes\n"
     "Max open files            1024                 1048576              files\n"},
    {"proc/sys/fs/file-max", "9223372036854775807\n"},
    {"proc/sys/fs/nr_open", "1048576\n"},
    {"proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n"},
    {"proc/sys/net/ipv4/tcp_tw_reuse", "1\n"},
    {"proc/sys/net/core/somaxconn", "4096\n"},
    {"proc/sys/net/ipv4/tcp_max_syn_backlog", "4096\n"},
    {"proc/sys/net/ipv4/tcp_mem", "188319\t251093\t376638\n"},
    {"proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"},
    {"proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304\n"},
    {"proc/net/tcp",
     "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt\n"
     "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n"
     "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000 0 0 2\n"
     "   2: 0100007F:C351 0100007F:1F90 06 00000000:00000000 03:00001756 00000000 0 0 0\n"
     "   3: 0100007F:C352 0100007F:1F90 06 00000000:00000000 03:00001756 00000000 0 0 0\n"
     "   4: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000 0 0 3\n"
     "   5: 0100007F:C353 0200007F:1F90 06 00000000:00000000 03:00001756 00000000 0 0 0\n"},
    {"proc/net/tcp6", "  sl  local_address                         remote_address\n"
                      "   0: 00000000000000000000000001000000:C354 "
                      "00000000000000000000000001000000:1F90 01 00000000:00000000\n"},
    {"proc/self/status", "Name:\treprise\nCapEff:\t000001ffffffffff\nCpus_allowed:\tf\n"
                         "Cpus_allowed_list:\t0-3\n"},
    {"proc/self/timerslack_ns", "50000\n"},
    {"proc/stat", "cpu  1000 0 500 8000 100 0 400 0 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"},
    {"proc/meminfo", "MemTotal:       32617880 kB\nMemAvailable:   30000000 kB\n"},
    {"proc/sys/kernel/osrelease", "6.1.0-28-amd64\n"},
    {"proc/sys/kernel/io_uring_disabled", "0\n"},
    {"sys/devices/system/cpu/online", "0-3\n"},
    {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"},
    {"sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"},
    {"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
    {"sys/fs/cgroup/cpu.max", "max 100000\n"},
};

enum { GOOD_FILES = sizeof good / sizeof *good };

static const struct doctor_target target = {
    .url = "http://127.0.0.1:8080",
    .port = 8080,
    .is_here = true,
    .address_count = 2,
    .addresses = {"0100007F", "00000000000000000000000001000000"}};
static const struct doctor_target elsewhere = {
    .url = "http://192.0.2.1", .port = 80, .address_count = 1, .addresses = {"010200C0"}};

static void write_bytes(const char *name, const char *text, size_t len)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder_path, name);
    for (char *slash = strchr(path + strlen(folder_path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void write_good(void)
{
    for (size_t i = 0; i < GOOD_FILES; i++)
        write_text(good[i].name, good[i].text);
}

static void every_fact_is_read(void **state)
{
    (void)state;
    struct doctor_facts facts;
    write_good();
    doctor_read(folder_path, &target, &facts);
    assert_int_equal(facts.files_soft, 1024);
    assert_int_equal(facts.files_hard, 1048576);
    assert_true(facts.file_max == 9223372036854775807u);
    assert_int_equal(facts.nr_open, 1048576);
    assert_int_equal(facts.port_first, 32768);
    assert_int_equal(facts.port_last, 60999);
    assert_int_equal(facts.tw_reuse, 1);
    assert_int_equal(facts.target_open, 2); /* one each of both versions */
    assert_int_equal(facts.target_time_wait, 2);
    assert_int_equal(facts.somaxconn, 4096);
    assert_int_equal(facts.syn_backlog, 4096);
    assert_int_equal(facts.cpus_allowed, 4);
    assert_int_equal(facts.cpus_online, 4);
    assert_true(facts.cpu_quota == 0);
    assert_true(facts.steal_percent == 0);
    assert_int_equal(facts.has_turbo, 1);
    assert_int_equal(facts.timer_slack_ns, 50000);
    assert_int_equal(facts.memory_available_bytes, 30000000ull * 1024);
    assert_int_equal(facts.tcp_memory_bytes, 251093ull * (uint64_t)sysconf(_SC_PAGESIZE));
    assert_int_equal(facts.rmem_min_bytes, 4096);
    assert_int_equal(facts.capabilities, 0x1ffffffffff);
    assert_int_equal(facts.kernel_major, 6);
    assert_int_equal(facts.kernel_minor, 1);
    assert_string_equal(facts.governor, "performance");
    assert_string_equal(facts.clock_source, "tsc");
}

static const struct doctor_finding *finding_of(const struct doctor_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->count; i++) {
        if (strcmp(report->findings[i].name, name) == 0)
            return &report->findings[i];
    }
    return NULL;
}

static void judge(const struct doctor_target *aim, uint64_t users, struct doctor_report *ret_report)
{
    struct doctor_facts facts;
    doctor_read(folder_path, aim, &facts);
    doctor_judge(&facts, aim, users, ret_report);
}

static void a_machine_with_room_has_no_findings(void **state)
{
    (void)state;
    struct doctor_report report;
    write_good();
    judge(&target, 1000, &report);
    for (uint32_t i = 0; i < report.count; i++) {
        if (report.findings[i].level != DOCTOR_OK || report.findings[i].command[0])
            fail_msg("%s: %s", report.findings[i].name, report.findings[i].found);
        assert_true(report.findings[i].found[0] != '\0');
    }
    assert_int_equal(report.count, 14); /* all but stolen time, which there is none of */
}

/* One file of the good machine is another one. */
static void each_limit_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text;
        uint64_t users;
        const char *name;
        enum doctor_level level;
        const char *says, *command;
    } rows[] = {
        {"proc/self/limits", "Max open files            1024                 4096      files\n",
         1000, "open files", DOCTOR_WARNING, "1000 users need 1064, and 6064", "--nofile=6064"},
        {"proc/self/limits", "Max open files            1024                 4096      files\n",
         10000, "open files", DOCTOR_PROBLEM, "10000 users need 10064", "prlimit"},
        {"proc/self/limits", "Max open files            unlimited            unlimited files\n",
         100000, "open files", DOCTOR_OK, "", ""},
        {"proc/sys/fs/nr_open", "1048576\n", 500000, "open files", DOCTOR_WARNING, "500000 users",
         "fs.nr_open=3000064"},
        {"proc/sys/fs/file-max", "900\n", 1000, "open files of all", DOCTOR_PROBLEM, "need 1064",
         "fs.file-max=4256"},
        {"proc/sys/net/ipv4/ip_local_port_range", "40000 40999\n", 2000, "source ports",
         DOCTOR_PROBLEM, "12 source addresses", "ip_local_port_range='10000 65535'"},
        {"proc/sys/net/ipv4/ip_local_port_range", "5000 65535\n", 40000, "source ports",
         DOCTOR_WARNING, "4 source addresses", "--bind"},
        {"proc/sys/net/ipv4/tcp_tw_reuse", "0\n", 1000, "ports in TIME_WAIT", DOCTOR_WARNING,
         "not over 470 new connections a second", "tcp_tw_reuse=1"},
        {"proc/sys/net/ipv4/tcp_tw_reuse", "2\n", 1000, "ports in TIME_WAIT", DOCTOR_OK, "", ""},
        {"proc/sys/net/core/somaxconn", "128\n", 1000, "accept queue", DOCTOR_WARNING,
         "1000 users that come at once", "net.core.somaxconn=1000"},
        {"proc/sys/net/ipv4/tcp_max_syn_backlog", "128\n", 1000, "SYN queue", DOCTOR_WARNING,
         "at once", "net.ipv4.tcp_max_syn_backlog=1000"},
        {"proc/self/status", "Cpus_allowed_list:\t2\n", 1000, "processors", DOCTOR_WARNING,
         "the target first", ""},
        {"sys/fs/cgroup/cpu.max", "150000 100000\n", 1000, "processors", DOCTOR_WARNING,
         "may use 1.5 of them", ""},
        {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n", 1000,
         "cpu governor", DOCTOR_WARNING, "the clock follows the load", "cpupower"},
        {"sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n", 1000, "clock",
         DOCTOR_WARNING, "a system call", "tsc"},
        {"proc/self/timerslack_ns", "50000000\n", 1000, "timer slack", DOCTOR_WARNING,
         "late by up to", ""},
        {"proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\n", 1000, "stolen time", DOCTOR_WARNING,
         "other guests", ""},
        {"proc/stat", "cpu  1000 0 500 8000 100 0 400 1 0 0\n", 1000, "stolen time", DOCTOR_OK, "",
         ""},
        {"proc/meminfo", "MemAvailable:   130000 kB\n", 1000, "memory", DOCTOR_WARNING,
         "1000 users take", ""},
        {"proc/meminfo", "MemAvailable:   90000 kB\n", 1000, "memory", DOCTOR_PROBLEM,
         "1000 users take", ""},
        {"proc/sys/net/ipv4/tcp_mem", "100\t200\t300\n", 1000, "socket buffers", DOCTOR_WARNING,
         "1000 connections", "tcp_mem='3000 4000 6000'"},
        {"proc/self/status", "CapEff:\t0000000000000000\n", 1000, "capture rights", DOCTOR_WARNING,
         "a replay does not", "setcap cap_net_raw+ep"},
        {"proc/self/status", "CapEff:\t0000000000002000\n", 1000, "capture rights", DOCTOR_OK, "",
         ""},
        {"proc/sys/kernel/osrelease", "5.10.0-33-amd64\n", 1000, "kernel", DOCTOR_WARNING,
         "epoll_pwait2", ""},
        {"proc/sys/kernel/osrelease", "5.11.0\n", 1000, "kernel", DOCTOR_OK, "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct doctor_report report;
        write_good();
        write_text(rows[i].file, rows[i].text);
        judge(&target, rows[i].users, &report);
        const struct doctor_finding *finding = finding_of(&report, rows[i].name);
        if (!finding || finding->level != rows[i].level ||
            !strstr(finding->meaning, rows[i].says) ||
            (*rows[i].says && !strstr(finding->command, rows[i].command)))
            fail_msg("row %zu, %s: %s: %s -> %s", i, rows[i].name,
                     finding ? finding->found : "none", finding ? finding->meaning : "",
                     finding ? finding->command : "");
    }
}

static void queues_of_a_target_elsewhere_are_not_here(void **state)
{
    (void)state;
    struct doctor_report report;
    write_good();
    write_text("proc/sys/net/core/somaxconn", "128\n");
    write_text("proc/sys/net/ipv4/tcp_tw_reuse", "2\n");
    judge(&elsewhere, 1000, &report);
    assert_null(finding_of(&report, "accept queue"));
    assert_null(finding_of(&report, "SYN queue"));
    assert_int_equal(finding_of(&report, "ports in TIME_WAIT")->level, DOCTOR_WARNING);
    assert_null(strstr(finding_of(&report, "source ports")->found, "in use"));
}

static void what_is_not_told_is_not_judged(void **state)
{
    (void)state;
    struct doctor_facts facts;
    struct doctor_report report;
    doctor_read("/nowhere/at/all", &target, &facts);
    assert_true(facts.files_hard == DOCTOR_UNKNOWN);
    assert_true(facts.target_open == DOCTOR_UNKNOWN);
    doctor_judge(&facts, &target, 10000000, &report);
    assert_int_equal(report.count, 0);
    assert_int_equal(doctor_worst(&report), DOCTOR_OK);
}

/* Files of the good machine cut short, spoiled, or full of anything. */
static void no_file_can_harm(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7, 0);
    for (int round = 0; round < 600; round++) {
        char bytes[4096];
        const struct file *file = &good[random_below(&random, GOOD_FILES)];
        size_t len = strlen(file->text);
        struct doctor_report report;
        assert_true(len < sizeof bytes);
        memcpy(bytes, file->text, len);
        if (round % 3 == 0)
            len = random_below(&random, len + 1);
        for (int i = 0; round % 3 == 1 && i < 4; i++)
            bytes[random_below(&random, len)] = (char)random_below(&random, 256);
        if (round % 3 == 2) {
            len = sizeof bytes;
            for (size_t i = 0; i < len; i++)
                bytes[i] = (char)("0123456789-,:/ \tFf\n\0x"[random_below(&random, 21)]);
        }
        write_good();
        write_bytes(file->name, bytes, len);
        judge(&target, 1000, &report);
        assert_true(report.count <= DOCTOR_MAX_FINDINGS);
        for (uint32_t i = 0; i < report.count; i++)
            assert_true(strlen(report.findings[i].meaning) < sizeof report.findings[i].meaning - 1);
    }
}

static void the_page_and_the_json_say_the_same(void **state)
{
    (void)state;
    struct doctor_report report;
    struct error err = {0};
    char *text = NULL;
    size_t len;
    write_good();
    write_text("proc/self/limits", "Max open files   64   128   files\n");
    write_text("proc/sys/kernel/osrelease", "5.4.0\n");
    judge(&target, 2000, &report);
    FILE *out = open_memstream(&text, &len);
    doctor_print(&report, &target, false, out);
    fclose(out);
    assert_non_null(strstr(text, "2000 users against http://127.0.0.1:8080\n"));
    assert_non_null(strstr(text, "  ✗ open files          at most 128"));
    assert_non_null(strstr(text, "\n                        -> sudo prlimit"));
    assert_non_null(strstr(text, "  ! kernel              5.4: epoll_pwait2 no, io_uring no\n"));
    assert_non_null(strstr(text, "1 problems, 1 warnings: as it is, this machine does not carry"));
    assert_null(strchr(text, '\033'));
    free(text);
    out = open_memstream(&text, &len);
    assert_int_equal(doctor_print_json(&report, &target, out, &err), 0);
    fclose(out);
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(document, "worst")), "problem");
    assert_int_equal(json_integer_value(json_object_get(document, "users")), 2000);
    const json_t *first = json_array_get(json_object_get(document, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "open files");
    assert_string_equal(json_string_value(json_object_get(first, "level")), "problem");
    json_decref(document);
    free(text);
}

static void the_verb_checks_what_is_typed(void **state)
{
    (void)state;
    static const struct {
        const char *argv[4];
        int argc, code;
    } rows[] = {
        {{"doctor", "--help"}, 2, EXIT_DONE},
        {{"doctor", "--users", "0"}, 3, EXIT_INPUT},
        {{"doctor", "--users", "1000001"}, 3, EXIT_INPUT},
        {{"doctor", "extra"}, 2, EXIT_INPUT},
        {{"doctor", "--target", "nonsense"}, 3, EXIT_INPUT},
        {{"doctor", "--users", "1000000"}, 3, EXIT_TOOL}, /* no machine has so many ports */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(doctor_cmd(rows[i].argc, (char **)(uintptr_t)rows[i].argv), rows[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fact_is_read),
        cmocka_unit_test(a_machine_with_room_has_no_findings),
        cmocka_unit_test(each_limit_is_found),
        cmocka_unit_test(queues_of_a_target_elsewhere_are_not_here),
        cmocka_unit_test(what_is_not_told_is_not_judged),
        cmocka_unit_test(no_file_can_harm),
        cmocka_unit_test(the_page_and_the_json_say_the_same),
        cmocka_unit_test(the_verb_checks_what_is_typed),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
