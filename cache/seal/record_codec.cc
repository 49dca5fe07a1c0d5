// SPDX-License-Identifier: Apache-2.0
#include "cache/seal/record_codec.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tokensvc/cache/v1/token_record.pb.h"

namespace tokensvc {
namespace {

// The last millisecond of the year 9999: what JWT's NumericDate and our answers can say.
constexpr std::int64_t kMaxUnixMillis = 253402300799999;
// What a packed record has at most beside its texts: tags, lengths, times and epochs.
constexpr std::size_t kMaxFieldBytes = 192 + RecordCodec::kMaxCredentialBytes;

/// Protobuf's strings are not wiped when they end; these hold a token.
class WipedRecord {
 public:
  WipedRecord() = default;
  ~WipedRecord() {
    for (std::string* text : {message_.mutable_texts(), message_.mutable_signature()}) {
      OPENSSL_cleanse(text->data(), text->size());
    }
  }
  WipedRecord(const WipedRecord&) = delete;
  WipedRecord& operator=(const WipedRecord&) = delete;

  cache::v1::TokenRecord* operator->() { return &message_; }
  cache::v1::TokenRecord& operator*() { return message_; }

 private:
  cache::v1::TokenRecord message_;
};

using JwtParts = std::array<Secret, 3>;

// The decoded parts of a JWT in compact form, if encoding them again gives the same bytes.
std::optional<JwtParts> SplitJwt(absl::string_view token) {
  const std::size_t first = token.find('.');
  if (first == absl::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == absl::string_view::npos) return std::nullopt;
  const absl::string_view encoded[] = {token.substr(0, first),
                                       token.substr(first + 1, second - first - 1),
                                       token.substr(second + 1)};
  JwtParts parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    std::string bytes;
    const bool is_base64 = absl::WebSafeBase64Unescape(encoded[i], &bytes);
    parts[i] = Secret(std::move(bytes));
    if (!is_base64) return std::nullopt;
    const Secret again(absl::WebSafeBase64Escape(parts[i].Reveal()));
    if (again.Reveal() != encoded[i]) return std::nullopt;
  }
  return parts;
}

Secret JoinJwt(absl::string_view header, absl::string_view payload, absl::string_view signature) {
  const Secret last(absl::WebSafeBase64Escape(signature));
  return Secret(absl::StrCat(absl::WebSafeBase64Escape(header), ".",
                             absl::WebSafeBase64Escape(payload), ".", last.Reveal()));
}

std::int64_t ToMillis(absl::Time time) { return absl::ToUnixMillis(time); }

bool IsTime(std::int64_t millis) { return millis >= 0 && millis <= kMaxUnixMillis; }

void FillTexts(const TokenRecord& record, TextDeflate& deflate, cache::v1::TokenRecord& message) {
  const absl::string_view token = record.RevealToken();
  const std::optional<JwtParts> jwt = SplitJwt(token);
  if (!jwt.has_value()) {
    // Not deflated: zlib would keep a copy of a secret.
    message.set_first_bytes(static_cast<std::uint32_t>(token.size()));
    message.mutable_texts()->reserve(token.size() + record.granted_scopes().size());
    absl::StrAppend(message.mutable_texts(), token, record.granted_scopes());
    return;
  }
  const auto& [header, payload, signature] = *jwt;
  message.set_jwt(true);
  message.set_first_bytes(static_cast<std::uint32_t>(header.size()));
  message.set_second_bytes(static_cast<std::uint32_t>(payload.size()));
  message.set_signature(signature.Reveal().data(), signature.size());
  const Secret texts(absl::StrCat(header.Reveal(), payload.Reveal(), record.granted_scopes()));
  const std::optional<Secret> deflated = deflate.Deflate(texts.Reveal());
  if (deflated.has_value()) {
    message.set_inflated_bytes(static_cast<std::uint32_t>(texts.size()));
  }
  const Secret& smaller = deflated.has_value() ? *deflated : texts;
  message.set_texts(smaller.Reveal().data(), smaller.size());
}

}  // namespace

absl::Time RecordCodec::ExpiresAt(const TokenRecord& record, const FleetInstant& now) {
  // `due` and `refresh_at` are one instant.
  return now.ToFleet(record.due()) + (record.expires_at() - record.refresh_at());
}

std::optional<Secret> RecordCodec::Pack(const TokenRecord& record, const FleetInstant& now,
                                        const PurgeStamp& stamp) {
  if (record.RevealToken().size() > kMaxTokenBytes ||
      record.granted_scopes().size() > kMaxScopesBytes ||
      stamp.credential.size() > kMaxCredentialBytes) {
    return std::nullopt;
  }
  WipedRecord message;
  message->set_registration_epoch(stamp.registration);
  message->set_tenant_epoch(stamp.tenant);
  message->set_credential_epoch(stamp.credential_epoch);
  message->set_credential(stamp.credential);
  message->set_expires_at_ms(ToMillis(ExpiresAt(record, now)));
  message->set_refresh_at_ms(ToMillis(now.ToFleet(record.due())));
  message->set_usable_until_ms(ToMillis(now.ToFleet(record.usable_until())));
  if (!IsTime(message->expires_at_ms()) || !IsTime(message->refresh_at_ms()) ||
      !IsTime(message->usable_until_ms())) {
    return std::nullopt;
  }
  FillTexts(record, deflate_, *message);
  std::string packed(message->ByteSizeLong(), '\0');
  const bool done = message->SerializeToArray(packed.data(), static_cast<int>(packed.size()));
  Secret secret(std::move(packed));
  if (!done) return std::nullopt;
  return secret;
}

std::shared_ptr<const TokenRecord> RecordCodec::Unpack(absl::string_view packed,
                                                       std::uint64_t generation,
                                                       const FleetInstant& now) {
  bool purged = false;
  const auto all = [](const PurgeStamp&, TokenRecord::Fields&) { return true; };
  return Unpack(packed, generation, now, all, &purged);
}

std::shared_ptr<const TokenRecord> RecordCodec::Unpack(absl::string_view packed,
                                                       std::uint64_t generation,
                                                       const FleetInstant& now, CheckPurges check,
                                                       bool* purged) {
  if (packed.size() > kMaxTokenBytes + kMaxScopesBytes + kMaxFieldBytes) return nullptr;
  WipedRecord message;
  if (!message->ParseFromArray(packed.data(), static_cast<int>(packed.size()))) return nullptr;
  if (!IsTime(message->expires_at_ms()) || !IsTime(message->refresh_at_ms()) ||
      !IsTime(message->usable_until_ms())) {
    return nullptr;
  }

  std::optional<Secret> inflated;
  absl::string_view texts = message->texts();
  if (message->inflated_bytes() > 0) {
    if (message->inflated_bytes() > kMaxTokenBytes + kMaxScopesBytes) return nullptr;
    inflated = deflate_.Inflate(texts, message->inflated_bytes());
    if (!inflated.has_value()) return nullptr;
    texts = inflated->Reveal();
  }
  const std::uint64_t token_bytes = std::uint64_t{message->first_bytes()} + message->second_bytes();
  if (token_bytes > texts.size()) return nullptr;

  Secret jwt;
  TokenRecord::Fields fields;
  fields.token = texts.substr(0, message->first_bytes());
  fields.granted_scopes = texts.substr(token_bytes);
  if (message->jwt()) {
    jwt = JoinJwt(fields.token, texts.substr(message->first_bytes(), message->second_bytes()),
                  message->signature());
    fields.token = jwt.Reveal();
  } else if (message->second_bytes() > 0) {
    return nullptr;
  }
  if (fields.token.empty() || fields.token.size() > kMaxTokenBytes ||
      fields.granted_scopes.size() > kMaxScopesBytes) {
    return nullptr;
  }
  const absl::Time expires_at = absl::FromUnixMillis(message->expires_at_ms());
  const absl::Time usable_until = absl::FromUnixMillis(message->usable_until_ms());
  const absl::Time refresh_at = absl::FromUnixMillis(message->refresh_at_ms());
  fields.expires_at = now.ToWall(expires_at);
  fields.refresh_at = now.ToWall(refresh_at);
  fields.usable_until = now.ToBoot(std::min(usable_until, expires_at));
  fields.due = now.ToBoot(refresh_at);
  fields.generation = generation;
  if (message->credential().size() > kMaxCredentialBytes) return nullptr;
  const PurgeStamp stamp{message->registration_epoch(), message->tenant_epoch(),
                         message->credential_epoch(), message->credential()};
  if (!check(stamp, fields)) {
    *purged = true;
    return nullptr;
  }
  return TokenRecord::Make(fields);
}

}  // namespace tokensvc
