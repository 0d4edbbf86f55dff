# shellcheck shell=bash
# pcap.sh - small capture files made by hand, for scenarios that need a broken one. Sourced.

le32() { # NUMBER...
    local n
    for n in "$@"; do
        printf '%b' "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((n & 255)) $((n >> 8 & 255)) $((n >> 16 & 255)) $((n >> 24)))"
    done
}
be16() { printf '%b' "$(printf '\\x%02x\\x%02x' $(($1 >> 8)) $(($1 & 255)))"; }
be32() { be16 $(($1 >> 16)) && be16 $(($1 & 65535)); }

# pcap_header LINK_TYPE
pcap_header() { le32 0xa1b2c3d4 0x00040002 0 0 262144 "$1"; }

# tcp_packet FROM_PORT TO_PORT SEQ ACK FLAGS [PAYLOAD]: from 127.0.0.1 to 127.0.0.1, as raw IP (101).
tcp_packet() {
    local payload=${6:-} length
    length=$((40 + ${#payload}))
    le32 1700000000 "$((packet_us += 1000))" "$length" "$length"
    printf '\x45\0' && be16 "$length" && printf '\0\0\0\0\x40\x06\0\0\x7f\0\0\1\x7f\0\0\1'
    be16 "$1" && be16 "$2" && be32 "$3" && be32 "$4" && printf '\x50' && printf '%b' "\\x$5" && printf '\xff\xff\0\0\0\0'
    printf '%s' "$payload"
}
packet_us=0

# exchange_pcap: two requests and their answers on one connection to port 80.
exchange_pcap() {
    local at=1 back=1 n request answer
    pcap_header 101
    tcp_packet 40000 80 0 0 02
    tcp_packet 80 40000 0 1 12
    for n in 1 2; do
        request=$'GET /'$n$' HTTP/1.1\r\nHost: a\r\n\r\n'
        answer=$'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        tcp_packet 40000 80 $at $back 18 "$request"
        at=$((at + ${#request}))
        tcp_packet 80 40000 $back $at 18 "$answer"
        back=$((back + ${#answer}))
    done
}
