/*
 * plugin_cmd.c - `reprise plugin list | describe NAME | new NAME`: what plugins say of themselves,
 * for people and as JSON; no callback of a plugin is called. And the beginnings of another one.
 */
#include "plugins/plugin_cmd.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "core/cli.h"
#include "core/table.h"
#include "plugins/chain.h"
#include "plugins/options.h"
#include "plugins/plugin_new.h"

enum { MAX_TABLE_BYTES = 1024 * 1024 };

struct listing {
    struct table *table; /* for people, or */
    json_t *json;        /* an array */
    size_t count;
};

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

static json_t *text_or_null(const char *text)
{
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null(); /* what is not UTF-8 cannot be told in JSON */
}

/* A plugin that does not load is listed with the reason: that is what one wants to know. */
static int list_one(void *owner, const char *name, const char *path)
{
    struct listing *listing = owner;
    struct plugin plugin;
    struct error err = {.exit_code = EXIT_DONE};
    bool is_loaded = plugin_load(&plugin, path, NULL, &err) == 0;
    listing->count++;
    if (listing->json) {
        json_t *row = json_object();
        json_object_set_new(row, "name", text_or_null(name));
        json_object_set_new(row, "path", text_or_null(path));
        json_object_set_new(row, "version", text_or_null(is_loaded ? plugin.api.version : NULL));
        json_object_set_new(row, "summary", text_or_null(is_loaded ? plugin.api.summary : NULL));
        json_object_set_new(row, "error", text_or_null(is_loaded ? NULL : err.text));
        json_array_append_new(listing->json, row);
    } else {
        table_row(listing->table);
        table_cell(listing->table, "%s", name);
        table_cell(listing->table, "%s", is_loaded ? or_dash(plugin.api.version) : "-");
        table_cell(listing->table, "%s", path);
        table_cell(listing->table, "%s", is_loaded ? or_dash(plugin.api.summary) : err.text);
    }
    if (is_loaded)
        plugin_unload(&plugin);
    return 0;
}

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(json);
}

static int list(const struct plugin_search *search, bool as_json)
{
    struct table table;
    struct listing listing = {0};
    if (as_json) {
        listing.json = json_array();
        plugin_search_each(search, list_one, &listing);
        print_json(listing.json);
        return EXIT_DONE;
    }
    table_init(&table, "plugin|version|file|what it does", MAX_TABLE_BYTES);
    listing.table = &table;
    plugin_search_each(search, list_one, &listing);
    if (listing.count)
        table_print(&table, stdout);
    else
        fprintf(stderr, "reprise: plugin list: none found; --plugin-path DIR adds a folder\n");
    table_fini(&table);
    return EXIT_DONE;
}

static bool has_callback(const reprise_plugin *api, int callback)
{
    return chain_callbacks_of(api) >> callback & 1;
}

static void describe_options(const reprise_plugin *api)
{
    struct table table;
    if (!api->options || !api->options->name) {
        printf("\nno options\n");
        return;
    }
    printf("\n");
    table_init(&table, "option|type|default|what it does", MAX_TABLE_BYTES);
    for (const reprise_option *option = api->options; option->name; option++) {
        table_row(&table);
        table_cell(&table, "%s", option->name);
        table_cell(&table, "%s", option_type_name(option->type));
        table_cell(&table, "%s", option->fallback ? option->fallback : "(required)");
        table_cell(&table, "%s", or_dash(option->help));
    }
    table_print(&table, stdout);
    table_fini(&table);
}

static void describe_metrics(const reprise_plugin *api)
{
    struct table table;
    if (!api->metrics || !api->metrics->name)
        return;
    printf("\n");
    table_init(&table, "metric|kind|unit|what it counts", MAX_TABLE_BYTES);
    for (const reprise_metric *metric = api->metrics; metric->name; metric++) {
        table_row(&table);
        table_cell(&table, "%s", metric->name);
        table_cell(&table, "%s", metric->kind == REPRISE_HISTOGRAM ? "histogram" : "counter");
        table_cell(&table, "%s", or_dash(metric->unit));
        table_cell(&table, "%s", or_dash(metric->help));
    }
    table_print(&table, stdout);
    table_fini(&table);
}

static void describe(const struct plugin *plugin)
{
    const reprise_plugin *api = &plugin->api;
    printf("%s %s: %s\n\n", api->name, or_dash(api->version), or_dash(api->summary));
    printf("file       %s\n", plugin->path);
    printf("ABI        %u.%u (this reprise: %d.%d)\n", api->abi_major, api->abi_minor,
           REPRISE_ABI_MAJOR, REPRISE_ABI_MINOR);
    printf("threads    %s\n", api->threads == REPRISE_PARALLEL
                                  ? "parallel: users run at the same time"
                                  : "serial: one call at a time, whatever the user");
    printf("bodies     %s\n",
           api->flags & REPRISE_WANT_BODY ? "wants the answers' bodies" : "not looked at");
    printf("asked      %s%s\n",
           api->flags & REPRISE_MARKED_ONLY ? "about the steps it marks before the run, only"
                                            : "about every step",
           api->flags & REPRISE_ASK_LAST ? ", and once more behind a wait" : "");
    printf("state      %zu bytes, and %zu per user\n", api->plugin_size, api->user_size);
    printf("callbacks ");
    for (int i = 0; i < CHAIN_CALLBACK_COUNT; i++) {
        if (has_callback(api, i))
            printf(" %s", chain_callback_name((enum chain_callback)i));
    }
    printf("\n");
    describe_options(api);
    describe_metrics(api);
}

static json_t *options_json(const reprise_plugin *api)
{
    json_t *array = json_array();
    for (const reprise_option *option = api->options; option && option->name; option++) {
        json_t *row = json_object();
        json_object_set_new(row, "name", text_or_null(option->name));
        json_object_set_new(row, "type", text_or_null(option_type_name(option->type)));
        json_object_set_new(row, "default", text_or_null(option->fallback));
        json_object_set_new(row, "required", json_boolean(!option->fallback));
        json_object_set_new(row, "help", text_or_null(option->help));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *metrics_json(const reprise_plugin *api)
{
    json_t *array = json_array();
    for (const reprise_metric *metric = api->metrics; metric && metric->name; metric++) {
        json_t *row = json_object();
        json_object_set_new(row, "name", text_or_null(metric->name));
        json_object_set_new(
            row, "kind", text_or_null(metric->kind == REPRISE_HISTOGRAM ? "histogram" : "counter"));
        json_object_set_new(row, "unit", text_or_null(metric->unit));
        json_object_set_new(row, "help", text_or_null(metric->help));
        json_array_append_new(array, row);
    }
    return array;
}

static json_t *describe_json(const struct plugin *plugin)
{
    const reprise_plugin *api = &plugin->api;
    bool is_parallel = api->threads == REPRISE_PARALLEL;
    json_t *json = json_object();
    json_t *callbacks = json_array();
    json_object_set_new(json, "name", text_or_null(api->name));
    json_object_set_new(json, "version", text_or_null(api->version));
    json_object_set_new(json, "summary", text_or_null(api->summary));
    json_object_set_new(json, "path", text_or_null(plugin->path));
    json_object_set_new(json, "abi", json_sprintf("%u.%u", api->abi_major, api->abi_minor));
    json_object_set_new(json, "threads", text_or_null(is_parallel ? "parallel" : "serial"));
    json_object_set_new(json, "wants_body", json_boolean(api->flags & REPRISE_WANT_BODY));
    json_object_set_new(json, "marked_only", json_boolean(api->flags & REPRISE_MARKED_ONLY));
    json_object_set_new(json, "no_request_body",
                        json_boolean(api->flags & REPRISE_NO_REQUEST_BODY));
    json_object_set_new(json, "ask_last", json_boolean(api->flags & REPRISE_ASK_LAST));
    json_object_set_new(json, "max_holds",
                        json_integer(api->max_holds ? api->max_holds : CHAIN_DEFAULT_HOLDS));
    json_object_set_new(json, "max_retries",
                        json_integer(api->max_retries ? api->max_retries : CHAIN_DEFAULT_RETRIES));
    json_object_set_new(json, "plugin_bytes", json_integer((json_int_t)api->plugin_size));
    json_object_set_new(json, "user_bytes", json_integer((json_int_t)api->user_size));
    for (int i = 0; i < CHAIN_CALLBACK_COUNT; i++) {
        if (has_callback(api, i))
            json_array_append_new(callbacks,
                                  text_or_null(chain_callback_name((enum chain_callback)i)));
    }
    json_object_set_new(json, "callbacks", callbacks);
    json_object_set_new(json, "options", options_json(api));
    json_object_set_new(json, "metrics", metrics_json(api));
    return json;
}

static int describe_named(const char *name, const struct plugin_search *search, bool as_json)
{
    struct plugin plugin;
    struct error err;
    if (plugin_load(&plugin, name, search, &err))
        return error_report(&err);
    if (as_json)
        print_json(describe_json(&plugin));
    else
        describe(&plugin);
    plugin_unload(&plugin);
    return EXIT_DONE;
}

int plugin_cmd(int argc, char **argv)
{
    struct cli_list folders = {0};
    bool as_json = false, is_cxx = false;
    const char *folder = NULL;
    const struct cli_option options[] = {
        {"plugin-path", 0, CLI_LIST, &folders, "DIR", "look for plugins there first", NULL},
        {"json", 0, CLI_FLAG, &as_json, NULL, "print JSON", NULL},
        {"cxx", 0, CLI_FLAG, &is_cxx, NULL, "the new one is written in C++, not in C", "new"},
        {"dir", 0, CLI_TEXT, &folder, "DIR", "where its folder is made (.)", NULL},
        {0},
    };
    const struct cli_verb verb = {
        .name = "plugin",
        .summary =
            "List the plugins that can be found, describe or try one of them, or begin another.",
        .usage = "list | describe NAME|PATH | test NAME|PATH TRACE [SESSION] | new NAME [options]",
        .examples = "  reprise plugin list\n"
                    "  reprise plugin describe example\n"
                    "  reprise plugin describe ./mine.so --json\n"
                    "  reprise plugin test ./mine.so:key=secret shop.trace   (--help says more)\n"
                    "  reprise plugin new mine --cxx --dir ~/plugins\n",
        .options = options,
    };
    struct cli_arguments arguments;
    enum cli_outcome outcome;
    struct error err;
    if (cli_parse(&verb, argc, argv, &arguments, &outcome, &err))
        return error_report(&err);
    if (outcome == CLI_HELP_SHOWN)
        return EXIT_DONE;
    const struct plugin_search search = {folders.items, folders.count};
    if (arguments.count == 1 && strcmp(arguments.items[0], "list") == 0)
        return list(&search, as_json);
    if (arguments.count == 2 && strcmp(arguments.items[0], "describe") == 0)
        return describe_named(arguments.items[1], &search, as_json);
    if (arguments.count == 2 && strcmp(arguments.items[0], "new") == 0)
        return plugin_new(arguments.items[1], folder ? folder : ".", is_cxx, &err)
                   ? error_report(&err)
                   : EXIT_DONE;
    error_set(&err, EXIT_INPUT,
              "plugin: expected 'list', 'describe NAME', 'test NAME TRACE' or 'new NAME'; see "
              "'reprise plugin --help'");
    return error_report(&err);
}
