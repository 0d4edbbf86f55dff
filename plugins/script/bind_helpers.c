/* bind_helpers.c - what scripts need and Lua does not have: base64, hex, sha256, hmac_sha256. */
#include "../common/base64.h"
#include "vm.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>

enum { MAX_CODED_BYTES = 64 << 20 };

static const unsigned char *bytes_at(lua_State *lua, int at, size_t *ret_len)
{
    const char *bytes = luaL_checklstring(lua, at, ret_len);
    luaL_argcheck(lua, *ret_len <= MAX_CODED_BYTES, at, "longer than 64 MiB");
    return (const unsigned char *)bytes;
}

static int base64_encode(lua_State *lua)
{
    size_t len;
    luaL_Buffer out;
    const unsigned char *bytes = bytes_at(lua, 1, &len);
    char *into = luaL_buffinitsize(lua, &out, (len + 2) / 3 * 4 + 1);
    int used = EVP_EncodeBlock((unsigned char *)into, bytes, (int)len);
    luaL_pushresultsize(&out, (size_t)used);
    return 1;
}

/* Both alphabets, with or without '='. nil: it is none. */
static int base64_decode(lua_State *lua)
{
    size_t len;
    luaL_Buffer out;
    const unsigned char *bytes = bytes_at(lua, 1, &len);
    uint32_t bits = 0;
    while (len && bytes[len - 1] == '=')
        len--;
    char *into = luaL_buffinitsize(lua, &out, len / 4 * 3 + 3);
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        int value = base64_digit((char)bytes[i]);
        if (value < 0 || (len % 4 == 1 && i + 1 == len)) {
            lua_pushnil(lua);
            return 1;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0)
            into[used++] = (char)(bits >> (6 - i % 4 * 2));
    }
    luaL_pushresultsize(&out, used);
    return 1;
}

static void push_hex(lua_State *lua, const unsigned char *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    luaL_Buffer out;
    char *into = luaL_buffinitsize(lua, &out, len * 2 + 1);
    for (size_t i = 0; i < len; i++) {
        into[2 * i] = digits[bytes[i] >> 4];
        into[2 * i + 1] = digits[bytes[i] & 15];
    }
    luaL_pushresultsize(&out, len * 2);
}

static int hex_encode(lua_State *lua)
{
    size_t len;
    const unsigned char *bytes = bytes_at(lua, 1, &len);
    push_hex(lua, bytes, len);
    return 1;
}

static int nibble(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hex_decode(lua_State *lua)
{
    size_t len;
    luaL_Buffer out;
    const unsigned char *bytes = bytes_at(lua, 1, &len);
    char *into = luaL_buffinitsize(lua, &out, len / 2 + 1);
    for (size_t i = 0; i < len; i += 2) {
        if (len % 2 || nibble(bytes[i]) < 0 || nibble(bytes[i + 1]) < 0) {
            lua_pushnil(lua);
            return 1;
        }
        into[i / 2] = (char)(nibble(bytes[i]) << 4 | nibble(bytes[i + 1]));
    }
    luaL_pushresultsize(&out, len / 2);
    return 1;
}

static int sha256(lua_State *lua)
{
    size_t len;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const unsigned char *bytes = bytes_at(lua, 1, &len);
    SHA256(bytes, len, digest);
    lua_pushlstring(lua, (const char *)digest, sizeof digest);
    return 1;
}

static int hmac_sha256(lua_State *lua)
{
    size_t key_len, len;
    unsigned int used = 0;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const unsigned char *key = bytes_at(lua, 1, &key_len), *bytes = bytes_at(lua, 2, &len);
    if (!HMAC(EVP_sha256(), key, (int)key_len, bytes, len, digest, &used))
        return luaL_error(lua, "hmac_sha256() has failed");
    lua_pushlstring(lua, (const char *)digest, used);
    return 1;
}

void bind_helpers(lua_State *lua)
{
    static const luaL_Reg base64[] = {
        {"encode", base64_encode}, {"decode", base64_decode}, {NULL, NULL}};
    static const luaL_Reg hex[] = {{"encode", hex_encode}, {"decode", hex_decode}, {NULL, NULL}};
    luaL_newlib(lua, base64);
    lua_setglobal(lua, "base64");
    luaL_newlib(lua, hex);
    lua_setglobal(lua, "hex");
    lua_register(lua, "sha256", sha256);
    lua_register(lua, "hmac_sha256", hmac_sha256);
}
