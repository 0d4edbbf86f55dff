/* source_file.c - packets from a pcap or pcapng file, through libpcap. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/source_pcap.h"

/* libpcap tells these apart only by its text. */
static bool says(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

static enum source_result describe_failure(struct pcap_source *source, struct error *err)
{
    const char *text = pcap_geterr(source->pcap);
    unsigned long long packet = source->packets + 1;
    if (says(text, "truncated")) {
        error_set(err, EXIT_INPUT, "%s: truncated: it ends inside packet %llu; all before was read",
                  source->name, packet);
        return SOURCE_TRUNCATED;
    }
    if (says(text, "different from the type of the first interface"))
        error_set(
            err, EXIT_INPUT,
            "%s: from packet %llu on: an interface of another link type, which libpcap cannot "
            "read in one file; write one interface a file",
            source->name, packet);
    else
        error_set(err, EXIT_INPUT, "%s: packet %llu: %s", source->name, packet, text);
    return SOURCE_FAILED;
}

static enum source_result file_next(struct source *base, struct packet *ret_packet,
                                    struct error *err)
{
    struct pcap_source *source = (struct pcap_source *)base;
    struct pcap_pkthdr *header;
    const unsigned char *data;
    if (source->is_broken)
        return SOURCE_END;
    switch (pcap_next_ex(source->pcap, &header, &data)) {
    case 1:
        pcap_source_packet(source, header, data, ret_packet);
        return SOURCE_PACKET;
    case PCAP_ERROR_BREAK: /* what libpcap calls the end of a file */
        return SOURCE_END;
    case 0:
        return SOURCE_QUIET;
    default:
        return describe_failure(source, err);
    }
}

static int file_stats(struct source *base, struct source_stats *ret_stats, struct error *err)
{
    (void)base;
    (void)err;
    *ret_stats = (struct source_stats){0};
    return 0;
}

static const struct source_ops file_ops = {.next = file_next,
                                           .stats = file_stats,
                                           .interrupt = pcap_source_interrupt,
                                           .close = pcap_source_close};

static bool is_folder(FILE *file)
{
    struct stat status;
    return fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode);
}

/* Why the first bytes are no capture; NULL: nothing special to say. */
static const char *name_format(FILE *file)
{
    unsigned char magic[4];
    rewind(file);
    if (fread(magic, 1, sizeof magic, file) != sizeof magic)
        return NULL;
    if (magic[0] == 0x1f && magic[1] == 0x8b)
        return "compressed with gzip; decompress it first";
    if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
        return "compressed with zstd; decompress it first";
    if (magic[0] == '{')
        return "JSON, no capture; HAR files are for 'reprise import'";
    return NULL;
}

static int describe_open_failure(const char *path, FILE *file, const char *text, struct error *err)
{
    const char *format = file == stdin ? NULL : name_format(file);
    if (format)
        return error_set(err, EXIT_INPUT, "%s: %s", path, format);
    if (says(text, "unknown file format") || says(text, "truncated"))
        return error_set(err, EXIT_INPUT, "%s: no capture file: neither pcap nor pcapng (%s)", path,
                         text);
    return error_set(err, EXIT_INPUT, "%s: %s", path, text);
}

int source_open_file(const char *path, const char *filter, struct source **ret_source,
                     struct error *err)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return error_set(err, EXIT_INPUT, "%s: %s; check the path, and who may read it", path,
                         strerror(errno));
    if (is_folder(file)) {
        fclose(file);
        return error_set(err, EXIT_INPUT, "%s: a folder; name the files in it, each with -r", path);
    }
    pcap_t *pcap =
        pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_MICRO, text);
    if (!pcap) {
        describe_open_failure(path, file, text, err);
        if (file != stdin)
            fclose(file);
        return -1;
    }
    struct pcap_source *source;
    if (pcap_source_new(pcap, path, &file_ops, &source, err))
        return -1;
    if (pcap_source_prepare(source, filter, err)) {
        pcap_source_close(&source->base);
        return -1;
    }
    *ret_source = &source->base;
    return 0;
}
