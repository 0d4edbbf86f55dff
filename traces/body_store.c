/* body_store.c - content in, body id out: each content is stored once. */
#include "traces/body_store.h"

#include <stdlib.h>

#include "traces/body.h"
#include "traces/digest.h"

/*
 * The memory of recent contents: one place per value of the hash's first bits, the newest wins.
 * 16,384 places of 40 bytes are 640 KiB.
 */
enum { RECENT_PLACES = 16384 };

/*
 * A Bloom filter over every hash stored so far: "not in it" saves the query for a content that is
 * new. Two bits of 2^23 per content: at 500,000 contents one query in eighty is made in vain.
 */
enum { FILTER_BITS = 1 << 23 };

struct recent_body {
    unsigned char hash[DIGEST_BYTES];
    int64_t body_id; /* 0: empty */
};

struct body_store {
    struct body_packer *packer;
    sqlite3_stmt *find;
    sqlite3_stmt *add;
    int64_t next_body_id;
    struct recent_body recent[RECENT_PLACES];
    uint64_t filter[FILTER_BITS / 64];
};

struct body_store *body_store_new(sqlite3 *db, struct error *err)
{
    struct body_store *store = calloc(1, sizeof *store);
    struct body_packer *packer = body_packer_new();
    if (!store || !packer) {
        free(store);
        body_packer_free(packer);
        error_set(err, EXIT_TOOL, "out of memory");
        return NULL;
    }
    store->packer = packer;
    store->next_body_id = 1;
    if (db_prepare(db, "SELECT body_id FROM body WHERE hash = ?", &store->find, err) ||
        db_prepare(db,
                   "INSERT INTO body (body_id, hash, content_bytes, encoding, content)"
                   " VALUES (?,?,?,?,?)",
                   &store->add, err)) {
        body_store_free(store);
        return NULL;
    }
    return store;
}

void body_store_free(struct body_store *store)
{
    if (!store)
        return;
    sqlite3_finalize(store->find);
    sqlite3_finalize(store->add);
    body_packer_free(store->packer);
    free(store);
}

static uint32_t word_of(const unsigned char *hash, size_t at)
{
    uint32_t word;
    memcpy(&word, hash + at, sizeof word);
    return word;
}

/* Marks the hash; true when it may have been marked before. */
static bool filter_mark(struct body_store *store, const unsigned char *hash)
{
    uint32_t a = word_of(hash, 4) % FILTER_BITS, b = word_of(hash, 8) % FILTER_BITS;
    uint64_t bit_a = UINT64_C(1) << (a % 64), bit_b = UINT64_C(1) << (b % 64);
    bool was_marked = (store->filter[a / 64] & bit_a) && (store->filter[b / 64] & bit_b);
    store->filter[a / 64] |= bit_a;
    store->filter[b / 64] |= bit_b;
    return was_marked;
}

/* *ret_body_id is 0 when there is none. */
static int find(struct body_store *store, struct bytes hash, int64_t *ret_body_id,
                struct error *err)
{
    struct row_out row = row_out_start(store->find);
    row_out_blob(&row, hash);
    int code = sqlite3_step(store->find);
    *ret_body_id = code == SQLITE_ROW ? sqlite3_column_int64(store->find, 0) : 0;
    int result = code == SQLITE_ROW || code == SQLITE_DONE
                     ? 0
                     : db_fail(sqlite3_db_handle(store->find), err);
    sqlite3_reset(store->find);
    return result;
}

static int add(struct body_store *store, struct bytes hash, struct bytes content,
               uint64_t *ret_added_bytes, struct error *err)
{
    struct bytes stored;
    enum body_encoding encoding = body_pack(store->packer, content, &stored);
    struct row_out row = row_out_start(store->add);
    row_out_int(&row, store->next_body_id);
    row_out_blob(&row, hash);
    row_out_count(&row, content.len);
    row_out_text(&row, bytes_of(body_encoding_name(encoding)));
    row_out_blob(&row, stored);
    if (row_out_run(&row, err))
        return -1;
    *ret_added_bytes = stored.len;
    return 0;
}

int body_store_put(struct body_store *store, struct bytes content, int64_t *ret_body_id,
                   uint64_t *ret_added_bytes, struct error *err)
{
    unsigned char digest[DIGEST_BYTES];
    digest_of(content, digest);
    struct bytes hash = bytes_make(digest, sizeof digest);
    struct recent_body *place = &store->recent[word_of(digest, 0) % RECENT_PLACES];
    uint64_t added_bytes = 0;
    if (!place->body_id || memcmp(place->hash, digest, sizeof digest) != 0) {
        int64_t body_id = 0;
        if (filter_mark(store, digest) && find(store, hash, &body_id, err))
            return -1;
        if (!body_id) {
            if (add(store, hash, content, &added_bytes, err))
                return -1;
            body_id = store->next_body_id++;
        }
        memcpy(place->hash, digest, sizeof digest);
        place->body_id = body_id;
    }
    *ret_body_id = place->body_id;
    *ret_added_bytes = added_bytes;
    return 0;
}
