// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/text_deflate.h"

#include <zlib.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace tokensvc {
namespace {

// A window and hash table of this size hold any token's claims behind the dictionary, and are quick
// to reset. Measured on claims of 0.8 to 1.2 KB: more of either saves nothing, and a level beyond 6
// saves a byte or two.
constexpr int kWindowBits = 13;
constexpr int kMemoryLevel = 5;
constexpr int kLevel = 6;

// Names and values that tokens of common authorities share; what is most frequent stands last.
// Readers of every record of format 1 need these very bytes: never change them, give a new format a
// new dictionary.
constexpr char kDictionary[] =
    R"(,"email":",email_verified":true,"given_name":","family_name":","preferred_username":")"
    R"(,"upn":","unique_name":","acct":0,"acrs":["p1"],"amr":["pwd","mfa"],"acr":"1","scp":")"
    R"(openid profile email offline_access,"wids":["0997a1d0-0d1d-4acb-b408-d5ca73121e90"])"
    R"(,"groups":[","realm_access":{"roles":[","resource_access":{","client_id":","azp":")"
    R"(,"azpacr":"2","nonce":","auth_time":,"session_state":","typ":"Bearer","scope":")"
    R"({"alg":"RS256","typ":"at+jwt","kid":"{"alg":"PS256","typ":"JWT","kid":")"
    R"({"typ":"JWT","nonce":","alg":"RS256","x5t":","kid":"{"typ":"JWT","alg":"RS256","x5t":")"
    R"({"aud":"00000003-0000-0000-c000-000000000000","iss":"https://login.microsoftonline.com/)"
    R"({"aud":"api://","iss":"https://sts.windows.net/{"aud":"https://graph.microsoft.com)"
    R"(","iss":"https://sts.windows.net/,"iat":17,"nbf":17,"exp":17,"aio":")"
    R"(,"app_displayname":","appid":","appidacr":"2","idp":"https://sts.windows.net/)"
    R"(/","idtyp":"app","oid":","rh":"1.A","roles":["User.Read.All",")"
    R"(Directory.Read.All","Group.Read.All","Mail.Send","Application.Read.All","Sites.Read.All")"
    R"(ReadWrite.All"],"sub":","tenant_region_scope":"EU","tid":","uti":","ver":"1.0")"
    R"(,"ver":"2.0","wids":["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],"xms_ftd":")"
    R"(,"xms_idrel":"7 ","xms_rd":","xms_tcdt":,"xms_tnt_fct":"3 "}https://graph.microsoft.com)"
    R"(/.default)";

const Bytef* ToBytes(absl::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

}  // namespace

struct TextDeflate::Streams {
  z_stream deflate{};
  z_stream inflate{};
};

TextDeflate::TextDeflate() : streams_(std::make_unique<Streams>()) {
  // Fails only without memory.
  if (deflateInit2(&streams_->deflate, kLevel, Z_DEFLATED, -kWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK ||
      inflateInit2(&streams_->inflate, -kWindowBits) != Z_OK) {
    std::abort();
  }
}

TextDeflate::~TextDeflate() {
  deflateEnd(&streams_->deflate);
  inflateEnd(&streams_->inflate);
}

std::optional<Secret> TextDeflate::Deflate(absl::string_view text) {
  if (text.empty()) return std::nullopt;
  z_stream& stream = streams_->deflate;
  if (deflateReset(&stream) != Z_OK ||
      deflateSetDictionary(&stream, ToBytes(kDictionary), sizeof(kDictionary) - 1) != Z_OK) {
    return std::nullopt;
  }
  // No room for a result that is not shorter.
  std::string out(text.size() - 1, '\0');
  stream.next_in = const_cast<Bytef*>(ToBytes(text));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  Secret deflated(std::move(out));
  if (result != Z_STREAM_END) return std::nullopt;
  return deflated;
}

std::optional<Secret> TextDeflate::Inflate(absl::string_view deflated, std::size_t size) {
  z_stream& stream = streams_->inflate;
  if (inflateReset(&stream) != Z_OK ||
      inflateSetDictionary(&stream, ToBytes(kDictionary), sizeof(kDictionary) - 1) != Z_OK) {
    return std::nullopt;
  }
  std::string out(size, '\0');
  stream.next_in = const_cast<Bytef*>(ToBytes(deflated));
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0 && stream.avail_out == 0;
  Secret text(std::move(out));
  if (!whole) return std::nullopt;
  return text;
}

}  // namespace tokensvc
