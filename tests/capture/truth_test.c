/*
 * truth_test.c - every packet capture of ../shared/captures through the whole of capture, against
 * what another parser found in it.
 *
 * A row a file. What is missing must have a reason in the ledger; what is more than the truth knows
 * must be in the table of known differences below, with its reason. `--markdown` prints the table
 * of docs/benchmarks.md, `--verbose` what did not match.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture/capture_run.h"
#include "tests/capture/truth.h"

static const char captures[] = TEST_SOURCE_DIR "/../shared/captures";

enum { MAX_PATH_BYTES = 1024, SKIPPED = 77, MAX_MANIFEST_COLUMNS = 64 };

struct options {
    bool as_markdown;
    bool is_verbose;
    const char *only; /* part of a file's name */
};

/* One row of the manifest. */
struct entry {
    char path[MAX_PATH_BYTES]; /* visible/NAME */
    const char *name;
    char trust;
    uint64_t requests, responses; /* recommended; FACT_UNKNOWN: not decided */
    bool is_other_protocol;       /* TLS or HTTP/2: must only be accounted for */
};

struct verdict {
    struct fact_match match[FACT_KIND_COUNT];
    struct capture_result result;
    bool has_failed;
    char why[512];
};

/* Where we find more than the truth says, and are sure. */
static const struct known {
    const char *name;
    const char *why;
} known_differences[] = {
    {"ndpi_http-manipulated.pcap", "18 spaces ahead of a target: the truth has an empty one"},
    {"zeek_connect-with-smtp.pcap", "a space in the target: the truth has what is ahead of it"},
    {NULL, NULL}};

static struct bytes manifest_cell(char *line, const struct bytes *header, const char *name)
{
    struct bytes rest = bytes_of(line), part;
    for (size_t i = 0; i < MAX_MANIFEST_COLUMNS && bytes_split(&rest, '\t', &part); i++) {
        if (bytes_equal(header[i], bytes_of(name)))
            return part;
    }
    return (struct bytes){.ptr = "", .len = 0};
}

static bool has_word(struct bytes in, const char *word)
{
    return in.len && memmem(in.ptr, in.len, word, strlen(word)) != NULL;
}

static bool read_entry(char *line, const struct bytes *header, struct entry *entry)
{
    struct bytes file = manifest_cell(line, header, "file");
    struct bytes exercises = manifest_cell(line, header, "exercises");
    struct bytes trust = manifest_cell(line, header, "trust");
    if (!has_word(manifest_cell(line, header, "format"), "pcap"))
        return false;
    *entry = (struct entry){.trust = trust.len ? trust.ptr[0] : '?'};
    snprintf(entry->path, sizeof entry->path, "%.*s", BYTES_ARG(file));
    const char *slash = strrchr(entry->path, '/');
    entry->name = slash ? slash + 1 : entry->path;
    if (!bytes_to_u64(manifest_cell(line, header, "recommended_requests"), &entry->requests))
        entry->requests = FACT_UNKNOWN;
    if (!bytes_to_u64(manifest_cell(line, header, "recommended_responses"), &entry->responses))
        entry->responses = FACT_UNKNOWN;
    entry->is_other_protocol = has_word(exercises, "http2") || has_word(exercises, "h2c") ||
                               has_word(exercises, "tls1") || has_word(exercises, "dsb");
    return true;
}

/* Does the ledger say that something of this file is not in the trace? */
static bool has_losses(const struct ledger_counts *ledger)
{
    static const enum trace_reason reasons[] = {TRACE_REASON_NOT_HTTP,   TRACE_REASON_MID_STREAM,
                                                TRACE_REASON_UNPARSABLE, TRACE_REASON_AFTER_GAP,
                                                TRACE_REASON_INCOMPLETE, TRACE_REASON_GAP,
                                                TRACE_REASON_SNAPLEN,    TRACE_REASON_FRAGMENT_LOST,
                                                TRACE_REASON_BAD_PACKET, TRACE_REASON_AFTER_CLOSE};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (ledger->payload_bytes[reasons[i]] || ledger->missing_bytes[reasons[i]] ||
            ledger->packets[reasons[i]])
            return true;
    }
    return false;
}

static void fail(struct verdict *verdict, const char *why)
{
    size_t len = strlen(verdict->why);
    verdict->has_failed = true;
    snprintf(verdict->why + len, sizeof verdict->why - len, "%s%s", len ? "; " : "", why);
}

static void explain(struct verdict *verdict, const char *why)
{
    size_t len = strlen(verdict->why);
    snprintf(verdict->why + len, sizeof verdict->why - len, "%s%s", len ? "; " : "", why);
}

static const char *known_difference(const char *name)
{
    for (const struct known *known = known_differences; known->name; known++) {
        if (strcmp(known->name, name) == 0)
            return known->why;
    }
    return NULL;
}

/* What must be found; where tshark stalls the manifest says how much there is. */
static uint64_t expected_count(const struct entry *entry, const struct verdict *verdict,
                               enum fact_kind kind)
{
    const struct fact_match *match = &verdict->match[kind];
    uint64_t recommended = kind == FACT_REQUEST ? entry->requests : entry->responses;
    if (entry->trust == 'C' && kind != FACT_MESSAGE && recommended != FACT_UNKNOWN)
        return recommended;
    return match->expected - match->optional;
}

static void judge_kind(const struct entry *entry, struct verdict *verdict, enum fact_kind kind)
{
    static const char *const names[] = {"requests", "answers", "messages"};
    const struct fact_match *match = &verdict->match[kind];
    uint64_t expected = expected_count(entry, verdict, kind);
    char text[128];
    if (match->found != expected && entry->trust == 'D') {
        snprintf(text, sizeof text, "%s: ambiguous on purpose", names[kind]);
        explain(verdict, text);
        return;
    }
    if (match->found > expected) {
        snprintf(text, sizeof text, "%s: more than the truth", names[kind]);
        fail(verdict, text);
    } else if (match->found < expected || match->matched < match->expected - match->optional) {
        snprintf(text, sizeof text, "%s: some are missing", names[kind]);
        if (has_losses(&verdict->result.totals.ledger))
            explain(verdict, text);
        else
            fail(verdict, text);
    }
    if (entry->trust == 'A' && match->same_bodies < match->matched) {
        snprintf(text, sizeof text, "%s: a body of another length", names[kind]);
        fail(verdict, text);
    }
}

/* payload seen = stored + ledger, always. */
static void judge_account(struct verdict *verdict)
{
    const struct recorder_totals *totals = &verdict->result.totals;
    uint64_t sum = totals->stored_bytes;
    for (int reason = 0; reason < TRACE_REASON_COUNT; reason++) {
        if (trace_reason_was_seen((enum trace_reason)reason))
            sum += totals->ledger.payload_bytes[reason];
    }
    if (sum != totals->payload_bytes) {
        char text[128];
        snprintf(text, sizeof text, "account: %" PRIu64 " seen, %" PRIu64 " stored or counted",
                 totals->payload_bytes, sum);
        fail(verdict, text);
    }
}

static void print_unmatched(const struct fact_lists *lists, const char *whose)
{
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
        for (const struct fact *fact = lists->kinds[kind].first; fact; fact = fact->next) {
            if (!fact->is_matched)
                fprintf(stderr, "    only in the %s: %.*s (%" PRId64 ")\n", whose,
                        BYTES_ARG(fact->what), (int64_t)fact->body_bytes);
        }
    }
}

static void run_entry(const struct entry *entry, const char *out, const struct options *options,
                      struct verdict *verdict)
{
    char path[2 * MAX_PATH_BYTES], truth_path[2 * MAX_PATH_BYTES];
    struct error err = {.exit_code = EXIT_DONE};
    struct fact_lists truth, trace;
    const char *files[] = {path};
    struct capture_options capture = {.files = files,
                                      .file_count = 1,
                                      .out = out,
                                      .max_body_bytes = 64u << 20,
                                      .session_gap_us = 1800u * 1000000,
                                      .replaces_existing = true,
                                      .is_quiet = true};
    snprintf(path, sizeof path, "%s/%s", captures, entry->path);
    snprintf(truth_path, sizeof truth_path, "%s/truth/%s.tsv", captures, entry->name);
    *verdict = (struct verdict){0};
    fact_lists_init(&truth);
    fact_lists_init(&trace);
    if (capture_run(&capture, &verdict->result, &err)) {
        if (verdict->result.has_trace)
            explain(verdict, strstr(err.text, "truncated") ? "the file is cut off"
                                                           : "the file cannot be read to its end");
        else
            fail(verdict, err.text);
    }
    if (verdict->result.has_trace && (fact_lists_read_truth(&truth, truth_path, &err) ||
                                      fact_lists_read_trace(&trace, out, &err)))
        fail(verdict, err.text);
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++) {
        verdict->match[kind] = fact_lists_match(&truth, &trace, (enum fact_kind)kind);
        if (!entry->is_other_protocol)
            judge_kind(entry, verdict, (enum fact_kind)kind);
    }
    judge_account(verdict);
    if (options->is_verbose) {
        print_unmatched(&truth, "truth");
        print_unmatched(&trace, "trace");
    }
    fact_lists_fini(&truth);
    fact_lists_fini(&trace);
}

/* "not_http 120, gap 1460 missing" */
static void format_ledger(const struct ledger_counts *ledger, char *out, size_t out_size)
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < TRACE_REASON_COUNT && len < out_size; i++) {
        const char *name = trace_reason_name((enum trace_reason)i);
        uint64_t bytes = ledger->payload_bytes[i], missing = ledger->missing_bytes[i];
        const char *comma = len ? ", " : "";
        if (bytes)
            len += (size_t)snprintf(out + len, out_size - len, "%s%s %" PRIu64, comma, name, bytes);
        else if (missing)
            len +=
                (size_t)snprintf(out + len, out_size - len, "%s%s %" PRIu64, comma, name, missing);
    }
}

static void format_counts(const struct entry *entry, const struct verdict *verdict,
                          enum fact_kind kind, char out[64])
{
    size_t found = verdict->match[kind].found;
    uint64_t expected = expected_count(entry, verdict, kind);
    if (!expected && !found)
        snprintf(out, 64, "-");
    else
        snprintf(out, 64, "%zu of %" PRIu64, found, expected);
}

static void print_row(const struct entry *entry, const struct verdict *verdict,
                      const struct options *options)
{
    char counts[FACT_KIND_COUNT][64], ledger[512];
    const char *known = known_difference(entry->name);
    const char *result = verdict->has_failed && !known ? "DIFFERS"
                         : verdict->why[0] || known    ? "explained"
                                                       : "equal";
    if (entry->is_other_protocol && !verdict->has_failed)
        result = "other protocol";
    for (int kind = 0; kind < FACT_KIND_COUNT; kind++)
        format_counts(entry, verdict, (enum fact_kind)kind, counts[kind]);
    format_ledger(&verdict->result.totals.ledger, ledger, sizeof ledger);
    const char *why = known ? known : verdict->why;
    if (options->as_markdown)
        printf("| %s | %c | %s | %s | %s | %s%s%s | %s |\n", entry->name, entry->trust,
               counts[FACT_REQUEST], counts[FACT_RESPONSE], counts[FACT_MESSAGE], result,
               why[0] ? ": " : "", why, ledger);
    else
        printf("%-50s %c %-14s %-14s %-10s %s%s%s  {%s}\n", entry->name, entry->trust,
               counts[FACT_REQUEST], counts[FACT_RESPONSE], counts[FACT_MESSAGE], result,
               why[0] ? ": " : "", why, ledger);
    fflush(stdout);
}

static void print_heading(const struct options *options)
{
    if (options->as_markdown)
        printf("| capture | trust | requests | answers | messages | result | ledger (bytes) |\n"
               "|---|---|---|---|---|---|---|\n");
    else
        printf("%-50s %c %-14s %-14s %-10s result  {ledger, bytes}\n", "capture", 't', "requests",
               "answers", "messages");
}

static size_t run_all(FILE *manifest, const char *out, const struct options *options,
                      size_t *ret_count)
{
    struct bytes header[MAX_MANIFEST_COLUMNS] = {0}, rest, part;
    char *line = NULL, *header_line = NULL;
    size_t capacity = 0, header_capacity = 0, failures = 0;
    if (getline(&header_line, &header_capacity, manifest) <= 0)
        return 1;
    header_line[strcspn(header_line, "\n")] = '\0';
    rest = bytes_of(header_line);
    for (size_t i = 0; i < MAX_MANIFEST_COLUMNS && bytes_split(&rest, '\t', &part); i++)
        header[i] = part;
    print_heading(options);
    while (getline(&line, &capacity, manifest) > 0) {
        struct entry entry;
        struct verdict verdict;
        line[strcspn(line, "\n")] = '\0';
        if (!read_entry(line, header, &entry))
            continue;
        if (options->only && !strstr(entry.name, options->only))
            continue;
        run_entry(&entry, out, options, &verdict);
        print_row(&entry, &verdict, options);
        failures += verdict.has_failed && !known_difference(entry.name);
        ++*ret_count;
    }
    free(line);
    free(header_line);
    return failures;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    char path[MAX_PATH_BYTES], out[MAX_PATH_BYTES];
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--markdown") == 0)
            options.as_markdown = true;
        else if (strcmp(argv[i], "--verbose") == 0)
            options.is_verbose = true;
        else
            options.only = argv[i];
    }
    snprintf(path, sizeof path, "%s/MANIFEST.tsv", captures);
    FILE *manifest = fopen(path, "r");
    if (!manifest) {
        printf("skipped: %s: %s\n", path, strerror(errno));
        return SKIPPED;
    }
    snprintf(out, sizeof out, "/tmp/reprise-truth-%ld.trace", (long)getpid());
    size_t failures = run_all(manifest, out, &options, &count);
    fclose(manifest);
    unlink(out);
    if (!options.as_markdown)
        printf("%zu captures, %zu differ without a reason\n", count, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
