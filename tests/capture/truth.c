/* truth.c - reads the truth and a trace into lists of facts, and pairs them. */
#include "tests/capture/truth.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/session_keys.h"
#include "traces/reader.h"

enum { MAX_ARENA_BYTES = 64 * 1024 * 1024, MAX_COLUMNS = 32, MAX_STREAMS = 4096 };

void fact_lists_init(struct fact_lists *lists)
{
    *lists = (struct fact_lists){0};
    arena_init(&lists->arena, MAX_ARENA_BYTES);
    for (int i = 0; i < FACT_KIND_COUNT; i++)
        lists->kinds[i].end = &lists->kinds[i].first;
}

void fact_lists_fini(struct fact_lists *lists)
{
    arena_fini(&lists->arena);
}

static struct fact *add(struct fact_lists *lists, enum fact_kind kind, const char *what,
                        uint64_t body_bytes)
{
    struct fact_list *list = &lists->kinds[kind];
    struct fact *fact = arena_zalloc(&lists->arena, sizeof *fact);
    fact->what = arena_copy(&lists->arena, bytes_of(what));
    fact->body_bytes = body_bytes;
    *list->end = fact;
    list->end = &fact->next;
    list->count++;
    return fact;
}

/* The truth's columns, by name. */
enum column {
    PROTO,
    KIND,
    STREAM,
    METHOD,
    URI,
    HOST,
    STATUS,
    BODY,
    OPCODE,
    FIN,
    MASKED,
    WIRE,
    DECODED,
    NOTE,
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
    [PROTO] = "proto",
    [KIND] = "kind",
    [STREAM] = "tcp_stream",
    [METHOD] = "method",
    [URI] = "uri",
    [HOST] = "host",
    [STATUS] = "status",
    [BODY] = "body_len",
    [OPCODE] = "ws_opcode",
    [FIN] = "ws_fin",
    [MASKED] = "ws_masked",
    [WIRE] = "payload_len",
    [DECODED] = "payload_decoded_len",
    [NOTE] = "note",
};

struct truth_file {
    size_t places[COLUMN_COUNT];
    struct bytes cells[MAX_COLUMNS];
    /* The message that is being put together from fragments, by direction; of one stream at a
     * time, since the truth is in order of frames. */
    struct fragments {
        uint64_t stream;
        uint64_t opcode;
        uint64_t wire, decoded;
        bool is_open;
    } open[2][8];
};

static struct bytes cell(const struct truth_file *file, enum column column)
{
    return file->cells[file->places[column]];
}

static uint64_t number(const struct truth_file *file, enum column column)
{
    uint64_t value;
    return bytes_to_u64(cell(file, column), &value) ? value : FACT_UNKNOWN;
}

static void split_cells(struct truth_file *file, struct bytes line)
{
    struct bytes part;
    size_t i = 0;
    memset(file->cells, 0, sizeof file->cells);
    while (i < MAX_COLUMNS && bytes_split(&line, '\t', &part))
        file->cells[i++] = part;
}

static void find_columns(struct truth_file *file)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        for (size_t i = 0; i < MAX_COLUMNS; i++) {
            if (bytes_equal(file->cells[i], bytes_of(column_names[column])))
                file->places[column] = i;
        }
    }
}

static void add_message(struct fact_lists *lists, bool is_client, uint64_t opcode, uint64_t wire,
                        uint64_t decoded)
{
    char what[96];
    snprintf(what, sizeof what, "%s %llu %llu", is_client ? "client" : "server",
             (unsigned long long)opcode, (unsigned long long)wire);
    add(lists, FACT_MESSAGE, what, decoded);
}

/* Frames of the truth become messages: control frames at once, data frames with their last. */
static void take_frame(struct fact_lists *lists, struct truth_file *file)
{
    bool is_client = number(file, MASKED) == 1;
    uint64_t opcode = number(file, OPCODE), wire = number(file, WIRE);
    uint64_t decoded = number(file, DECODED), stream = number(file, STREAM);
    bool is_last = number(file, FIN) == 1;
    if (opcode >= 8 || (opcode != 0 && is_last)) {
        add_message(lists, is_client, opcode, wire, decoded);
        return;
    }
    struct fragments *open = &file->open[is_client][stream % 8];
    if (opcode != 0)
        *open = (struct fragments){.stream = stream, .opcode = opcode, .is_open = true};
    open->wire += wire;
    open->decoded = FACT_UNKNOWN;
    if (is_last)
        add_message(lists, is_client, open->opcode, open->wire, open->decoded);
}

static void take_row(struct fact_lists *lists, struct truth_file *file)
{
    char what[8192];
    struct fact *fact;
    struct bytes note = cell(file, NOTE);
    struct bytes proto = cell(file, PROTO), method = cell(file, METHOD), uri = cell(file, URI),
                 host = cell(file, HOST), status = cell(file, STATUS);
    if (bytes_equal(proto, bytes_of("ws"))) {
        take_frame(lists, file);
    } else if (!bytes_equal(proto, bytes_of("http"))) {
        return;
    } else if (bytes_equal(cell(file, KIND), bytes_of("request"))) {
        snprintf(what, sizeof what, "%.*s %.*s %.*s", BYTES_ARG(method), BYTES_ARG(uri),
                 BYTES_ARG(host));
        fact = add(lists, FACT_REQUEST, what, number(file, BODY));
        fact->is_optional = note.len && memmem(note.ptr, note.len, "incomplete", 10);
    } else {
        snprintf(what, sizeof what, "%.*s", BYTES_ARG(status));
        add(lists, FACT_RESPONSE, what, number(file, BODY));
    }
}

int fact_lists_read_truth(struct fact_lists *lists, const char *path, struct error *err)
{
    struct truth_file file = {0};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    bool is_first = true;
    FILE *in = fopen(path, "r");
    if (!in)
        return error_set(err, EXIT_INPUT, "%s: cannot be read", path);
    while ((len = getline(&line, &capacity, in)) > 0) {
        split_cells(&file, bytes_make(line, (size_t)len - (line[len - 1] == '\n')));
        if (is_first)
            find_columns(&file);
        else
            take_row(lists, &file);
        is_first = false;
    }
    free(line);
    fclose(in);
    return 0;
}

static void add_exchange(struct fact_lists *lists, const struct trace_exchange *row)
{
    char what[8192];
    struct bytes host = session_header_of(row->request_headers, "host");
    struct bytes interim = row->interim_statuses, status;
    bool is_cut = row->flaws & (TRACE_FLAW_TRUNCATED | TRACE_FLAW_GAP);
    if (row->method.len) {
        snprintf(what, sizeof what, "%.*s %.*s %.*s", BYTES_ARG(row->method),
                 BYTES_ARG(row->target), BYTES_ARG(host));
        add(lists, FACT_REQUEST, what, row->request_body_bytes);
    }
    while (interim.len && bytes_split(&interim, ',', &status)) {
        snprintf(what, sizeof what, "%.*s", BYTES_ARG(status));
        add(lists, FACT_RESPONSE, what, 0);
    }
    if (row->status) {
        snprintf(what, sizeof what, "%d", row->status);
        add(lists, FACT_RESPONSE, what, is_cut ? FACT_UNKNOWN : row->response_body_bytes);
    }
}

int fact_lists_read_trace(struct fact_lists *lists, const char *path, struct error *err)
{
    struct trace_reader *reader;
    struct trace_exchange exchange;
    struct trace_message message;
    int64_t endpoint_id;
    int result;
    if (trace_reader_open(&reader, path, err))
        return -1;
    result = trace_reader_start_exchanges(reader, 0, err);
    while (result >= 0 &&
           (result = trace_reader_next_exchange(reader, &exchange, &endpoint_id, err)) == 1)
        add_exchange(lists, &exchange);
    if (result == 0)
        result = trace_reader_start_messages(reader, 0, err);
    while (result >= 0 && (result = trace_reader_next_message(reader, &message, err)) == 1)
        add_message(lists, message.sender == TRACE_CLIENT, (uint64_t)message.opcode,
                    message.wire_bytes, message.payload_bytes);
    trace_reader_close(reader);
    return result;
}

/* The best of the equal ones: with the same body if there is one. */
static struct fact *find_match(const struct fact_list *list, const struct fact *wanted)
{
    struct fact *any = NULL;
    for (struct fact *fact = list->first; fact; fact = fact->next) {
        if (fact->is_matched || !bytes_equal(fact->what, wanted->what))
            continue;
        if (fact->body_bytes == wanted->body_bytes)
            return fact;
        if (!any)
            any = fact;
    }
    return any;
}

struct fact_match fact_lists_match(struct fact_lists *truth, struct fact_lists *trace,
                                   enum fact_kind kind)
{
    struct fact_match match = {.expected = truth->kinds[kind].count,
                               .found = trace->kinds[kind].count};
    for (struct fact *wanted = truth->kinds[kind].first; wanted; wanted = wanted->next) {
        struct fact *fact = find_match(&trace->kinds[kind], wanted);
        if (!fact) {
            match.optional += wanted->is_optional;
            continue;
        }
        fact->is_matched = wanted->is_matched = true;
        match.matched++;
        match.same_bodies += fact->body_bytes == wanted->body_bytes ||
                             fact->body_bytes == FACT_UNKNOWN || wanted->body_bytes == FACT_UNKNOWN;
    }
    return match;
}
