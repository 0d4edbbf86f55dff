/*
 * shop_trace_make.c - a trace of any length in which values flow as they do in a shop: what
 * correlation has to look through.
 *
 *   usage: shop_trace_make FILE EXCHANGES
 *
 * A session is ten exchanges, eight of them with a bearer token: a login, a list of 30 items (of
 * 500 different pages), three of these items, a basket, two lines in it, an HTML form with a csrf
 * field and its POST. Twenty bindings are true in each.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/random.h"
#include "traces/writer.h"

enum { STEPS = 10, STEP_US = 300000, START_EVERY_US = 5000, ITEMS = 30, PAGES = 500 };

struct shop {
    struct trace_writer *writer;
    struct random random;
    uint64_t next_id, session;
    int64_t now_us;
    char token[160], sid[33], basket[24], csrf[33];
    uint64_t page;
    struct buf target, headers, answer_headers, body, answer;
};

static void draw(struct shop *shop, char *out, int len)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    for (int i = 0; i < len; i++)
        out[i] = digits[random_below(&shop->random, 64)];
    out[len] = '\0';
}

static uint64_t item_of(const struct shop *shop, uint64_t number)
{
    return (shop->page * ITEMS + number) * 0x9e3779b97f4a7c15U;
}

static void begin(struct shop *shop, const char *type)
{
    buf_clear(&shop->target);
    buf_clear(&shop->headers);
    buf_clear(&shop->answer_headers);
    buf_clear(&shop->body);
    buf_clear(&shop->answer);
    buf_printf(&shop->headers,
               "Host: shop.test:8080\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) "
               "Gecko/20100101 Firefox/120.0\nAccept: */*\nAccept-Language: en-US,en;q=0.5\n"
               "Accept-Encoding: gzip, deflate, br\nReferer: http://shop.test:8080/shop\n");
    if (shop->token[0])
        buf_printf(&shop->headers, "Authorization: Bearer %s\nCookie: sid=%s\n", shop->token,
                   shop->sid);
    buf_printf(&shop->answer_headers,
               "Server: nginx/1.22.1\nDate: Wed, 01 May 2024 10:06:40 GMT\nContent-Type: %s\n"
               "X-Request-Id: %016llx\n",
               type, (unsigned long long)random_u64(&shop->random));
}

static int send(struct shop *shop, const char *method, int status, struct error *err)
{
    struct trace_exchange exchange = {
        .exchange_id = (int64_t)++shop->next_id,
        .session_id = (int64_t)shop->session + 1,
        .connection_id = (int64_t)shop->session + 1,
        .request_first_us = shop->now_us,
        .request_last_us = shop->now_us,
        .response_first_us = shop->now_us + 2000,
        .response_last_us = shop->now_us + 2500,
        .method = bytes_of(method),
        .scheme = bytes_of("http"),
        .authority = bytes_of("shop.test:8080"),
        .target = buf_bytes(&shop->target),
        .http_version = bytes_of("1.1"),
        .status = status,
        .reason = bytes_of("OK"),
        .request_headers = buf_bytes(&shop->headers),
        .response_headers = buf_bytes(&shop->answer_headers),
        .request_body_bytes = shop->body.len,
        .response_body_bytes = shop->answer.len,
    };
    shop->now_us += STEP_US;
    return trace_writer_put_body(shop->writer, buf_bytes(&shop->body), &exchange.request_body_id,
                                 err) ||
                   trace_writer_put_body(shop->writer, buf_bytes(&shop->answer),
                                         &exchange.response_body_id, err) ||
                   trace_writer_add_exchange(shop->writer, &exchange, err) ||
                   trace_writer_tick(shop->writer, (uint64_t)shop->now_us, NULL, err)
               ? -1
               : 0;
}

static int log_in(struct shop *shop, struct error *err)
{
    shop->token[0] = '\0';
    begin(shop, "application/json");
    draw(shop, shop->token, 140);
    draw(shop, shop->sid, 32);
    buf_append_text(&shop->target, "/auth/login");
    buf_append_text(&shop->headers, "Content-Type: application/json\n");
    buf_printf(&shop->body, "{\"email\":\"user%llu@shop.test\",\"password\":\"a long password\"}",
               (unsigned long long)shop->session);
    buf_printf(&shop->answer_headers, "Set-Cookie: sid=%s; Path=/; HttpOnly\n", shop->sid);
    buf_printf(&shop->answer,
               "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":900,\"user\":{"
               "\"id\":%llu,\"email\":\"user%llu@shop.test\",\"language\":\"en\"}}",
               shop->token, (unsigned long long)shop->session + 1000,
               (unsigned long long)shop->session);
    return send(shop, "POST", 200, err);
}

static int look(struct shop *shop, struct error *err)
{
    begin(shop, "application/json");
    buf_printf(&shop->target, "/items?category=%llu&limit=%d",
               (unsigned long long)(shop->page % 20), ITEMS);
    buf_append_text(&shop->answer, "{\"items\":[");
    for (uint64_t i = 0; i < ITEMS; i++)
        buf_printf(&shop->answer,
                   "%s{\"id\":\"it_%016llx\",\"name\":\"Item number %llu\",\"price\":%llu,"
                   "\"currency\":\"EUR\",\"stock\":%llu,\"is_new\":false}",
                   i ? "," : "", (unsigned long long)item_of(shop, i), (unsigned long long)i,
                   (unsigned long long)(i * 37 % 1000), (unsigned long long)(i % 9));
    buf_append_text(&shop->answer, "],\"total\":15000}");
    if (send(shop, "GET", 200, err))
        return -1;
    for (int i = 0; i < 3; i++) {
        uint64_t item = item_of(shop, random_below(&shop->random, ITEMS));
        begin(shop, "application/json");
        buf_printf(&shop->target, "/items/it_%016llx", (unsigned long long)item);
        buf_printf(&shop->answer, "{\"id\":\"it_%016llx\",\"name\":\"Item\",\"text\":\"%0300d\"}",
                   (unsigned long long)item, 0);
        if (send(shop, "GET", 200, err))
            return -1;
    }
    return 0;
}

static int buy(struct shop *shop, struct error *err)
{
    begin(shop, "application/json");
    buf_append_text(&shop->target, "/baskets");
    draw(shop, shop->basket, 20);
    buf_printf(&shop->answer, "{\"id\":\"%s\",\"lines\":[]}", shop->basket);
    if (send(shop, "POST", 201, err))
        return -1;
    for (uint64_t i = 0; i < 2; i++) {
        begin(shop, "application/json");
        buf_printf(&shop->target, "/baskets/%s/lines", shop->basket);
        buf_append_text(&shop->headers, "Content-Type: application/json\n");
        buf_printf(&shop->body, "{\"item_id\":\"it_%016llx\",\"quantity\":%llu}",
                   (unsigned long long)item_of(shop, i + 3), (unsigned long long)i + 1);
        buf_printf(&shop->answer, "{\"line\":%llu,\"total\":%llu}", (unsigned long long)i + 1,
                   (unsigned long long)random_below(&shop->random, 1000));
        if (send(shop, "POST", 201, err))
            return -1;
    }
    begin(shop, "text/html");
    buf_append_text(&shop->target, "/checkout");
    draw(shop, shop->csrf, 32);
    buf_printf(&shop->answer,
               "<html><head><title>Checkout</title></head><body><form method=post>"
               "<input type=hidden name=csrf value=\"%s\"><input name=note></form></body></html>",
               shop->csrf);
    if (send(shop, "GET", 200, err))
        return -1;
    begin(shop, "text/html");
    buf_append_text(&shop->target, "/checkout");
    buf_append_text(&shop->headers, "Content-Type: application/x-www-form-urlencoded\n");
    buf_printf(&shop->body, "csrf=%s&note=thank+you&basket=%s", shop->csrf, shop->basket);
    return send(shop, "POST", 303, err);
}

static int play(struct shop *shop, struct error *err)
{
    char identity[32];
    snprintf(identity, sizeof identity, "cookie sid %08llx", (unsigned long long)shop->session);
    shop->now_us = (int64_t)(shop->session * START_EVERY_US);
    shop->page = random_below(&shop->random, PAGES);
    const struct trace_session session = {
        .session_id = (int64_t)shop->session + 1,
        .identity_kind = TRACE_BY_COOKIE,
        .identity = bytes_of(identity),
        .label = bytes_of(""),
        .first_us = shop->now_us,
        .last_us = shop->now_us + STEPS * STEP_US,
        .exchange_count = STEPS,
    };
    const struct trace_connection connection = {
        .connection_id = (int64_t)shop->session + 1,
        .client_address = bytes_of("10.0.0.7"),
        .server_address = bytes_of("10.0.0.1"),
        .protocol = bytes_of("http/1.1"),
        .opened_us = shop->now_us,
        .closed_us = TRACE_NO_MOMENT,
    };
    return trace_writer_put_session(shop->writer, &session, err) ||
                   trace_writer_put_connection(shop->writer, &connection, err) ||
                   log_in(shop, err) || look(shop, err) || buy(shop, err)
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    const struct trace_writer_options options = {.replaces_existing = true};
    struct trace_facts facts = {.source = bytes_of("shop_trace_make"),
                                .tool_version = bytes_of("0"),
                                .redaction = bytes_of("none")};
    struct error err = {0};
    struct shop shop = {0};
    struct buf *const texts[] = {&shop.target, &shop.headers, &shop.answer_headers, &shop.body,
                                 &shop.answer};
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE EXCHANGES\n", argv[0]);
        return EXIT_INPUT;
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        buf_init(texts[i], 1 << 20);
    random_init(&shop.random, 1, 0);
    uint64_t sessions = strtoull(argv[2], NULL, 10) / STEPS;
    if (trace_writer_open(&shop.writer, argv[1], &options, &facts, &err))
        return error_report(&err);
    for (; shop.session < sessions; shop.session++) {
        if (play(&shop, &err)) {
            trace_writer_abandon(shop.writer);
            return error_report(&err);
        }
    }
    facts.is_complete = true;
    facts.last_us = (int64_t)(sessions * START_EVERY_US + STEPS * STEP_US);
    int result = trace_writer_close(shop.writer, &facts, &err) ? error_report(&err) : EXIT_DONE;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        buf_fini(texts[i]);
    return result;
}
